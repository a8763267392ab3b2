"use strict";
// Replaces the constructor of jwt-redis-session: the options that are settings of the server are configured there, and a
// keyspace is a realm.
const jrsSession = require("jrs-session");

module.exports = ({ secret, keyspace, ...options }) => jrsSession({ ...options, realm: keyspace && "jwt" });
