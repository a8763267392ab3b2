"use strict";
// What the constructor line of jwt-redis-session's tests becomes: the options that belong to the server are in its
// configuration, and a keyspace is a realm.
const jrsSession = require("jrs-session");

module.exports = ({ secret, keyspace, ...options }) => jrsSession({ ...options, realm: keyspace && "jwt" });
