#!lua flags=no-writes,allow-stale
-- The numbers of INFO jrs, for the option --script of prometheus-redis-exporter. It has no list of the counters: for a new
-- field it needs no change. docs/operations.md says how to install it.
--
-- Replies with names and values in turn. A name that ends in {label=value} becomes a metric with this label by the rules in
-- prometheus.yml:
--
--   jrs_sessions_created:7                    jrs_sessions_created 7
--   jrs_keys_last_reload_status:ok            jrs_keys_last_reload_status 1, or 0 for err
--   jrs_tokens_refused_expired:7              jrs_tokens_refused{reason=expired} 7
--   jrs_signing_key_age_NAME:60               jrs_signing_key_age{realm=NAME} 60
--   jrs_realm_stats_NAME:created=7,…          jrs_realm_created{realm=NAME} 7
--   jrs_session_data_bytes:le_64=1,sum=40,…   jrs_session_data_bytes_bucket{le=64} 1, jrs_session_data_bytes_sum 40
--   jrs_version:1.2.3                         jrs_info{version=1.2.3} 1
--   (always)                                  jrs_up 1, or 0 if the server does not have the module

-- Fields whose end is the value of a label: how they begin, the metric, the label.
local families = {
    { "jrs_realm_stats_", "jrs_realm", "realm" },
    { "jrs_signing_key_age_", "jrs_signing_key_age", "realm" },
    { "jrs_tokens_refused_", "jrs_tokens_refused", "reason" },
}
local statuses = { ok = "1", err = "0" }
local reply = {}

local function add(name, label, value)
    value = statuses[value] or value
    if string.match(value, "^%-?%d+%.?%d*$") then
        reply[#reply + 1] = name .. label
        reply[#reply + 1] = value
    end
end

-- One value of a field that has several.
local function add_pair(name, label, key, value)
    local limit = string.match(key, "^le_(.+)$")
    if not limit then
        add(name .. "_" .. key, label, value)
    elseif limit == "inf" then
        add(name .. "_bucket", "{le=+Inf}", value)
        add(name .. "_count", "", value)
    else
        add(name .. "_bucket", "{le=" .. limit .. "}", value)
    end
end

local function add_field(field, text)
    -- jrs_realm_NAME: texts, some of which can look like numbers.
    if string.find(text, "^keyspace=") then
        return
    end
    if field == "jrs_version" then
        return add("jrs_info", "{version=" .. text .. "}", "1")
    end
    local name, label = field, ""
    for _, family in ipairs(families) do
        local prefix = family[1]
        if string.sub(field, 1, #prefix) == prefix then
            name, label = family[2], "{" .. family[3] .. "=" .. string.sub(field, #prefix + 1) .. "}"
        end
    end
    if not string.find(text, "=", 1, true) then
        return add(name, label, text)
    end
    for key, value in string.gmatch(text, "([^,=]+)=([^,]*)") do
        add_pair(name, label, key, value)
    end
end

-- An error would make the exporter report that the server is down.
local info = redis.pcall("INFO", "jrs")
if type(info) == "string" then
    for field, text in string.gmatch(info, "(jrs_[^:\r\n]+):([^\r\n]*)") do
        add_field(field, text)
    end
end
add("jrs_up", "", #reply > 0 and "1" or "0")
return reply
