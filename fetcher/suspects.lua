-- suspects.lua: messages in the midst of which a connection died (FAULTS F18). The hash `sus` of the account's slot.

-- gen, token, mailbox number, uid, octets had of it or '' (it is no suspect any more)
-- -> ok, deaths after so many octets in a row, deaths at all
local function suspect(keys, args)
    local key, field = keys[1] .. ':sus', args[3] .. ':' .. args[4]
    local refusal = guard(keys[1], args[1], args[2])
    if refusal then
        return refusal
    end
    if args[5] == '' then
        redis.call('HDEL', key, field)
        return {'ok', 0, 0}
    end
    local packed = redis.call('HGET', key, field)
    local value = packed and ledger_read(packed) or {0, -1, 0}
    if not packed and redis.call('HLEN', key) >= 1024 then
        return {'ok', 0, 0}
    end
    local same = value[2] == tonumber(args[5]) and value[1] + 1 or 1
    redis.call('HSET', key, field, cmsgpack.pack({same, tonumber(args[5]), value[3] + 1}))
    return {'ok', same, value[3] + 1}
end

redis.register_function('fetcher_1_suspect', suspect)
