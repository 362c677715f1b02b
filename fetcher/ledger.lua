-- ledger.lua: what was entered and is not committed: looked at, driven again, set aside.

-- A ledger value that cannot be read is told from others by what comes back: nil.
local function ledger_read(packed)
    local ok, value = pcall(cmsgpack.unpack, packed)
    return ok and type(value) == 'table' and value or nil
end

-- -> ok, ids in the ledger (at most 2,048 of them), id of the last command
local function look(keys)
    local tag = keys[1]
    local last = redis.call('XREVRANGE', tag .. ':cmd', '+', '-', 'COUNT', 1)
    local count = redis.call('HLEN', tag .. ':l')
    local ids
    if count <= 2048 then
        ids = redis.call('HKEYS', tag .. ':l')
    else
        ids = redis.call('HRANDFIELD', tag .. ':l', 2048)
    end
    return {'ok', count <= 2048 and 1 or 0, ids, last[1] and last[1][1] or ''}
end

-- gen, token, id... -> ok, for each its ledger value (with the raised count of drives) or ''
local function drive(keys, args)
    local tag = keys[1]
    if #args > 2 + LIMIT then
        return {'refused', 'count'}
    end
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local values = {}
    for i = 3, #args do
        local packed = redis.call('HGET', tag .. ':l', args[i])
        values[#values + 1] = packed or ''
        local value = packed and ledger_read(packed)
        if value then
            value[6] = (value[6] or 0) + 1
            redis.call('HSET', tag .. ':l', args[i], cmsgpack.pack(value))
        end
    end
    return {'ok', values}
end

-- gen, id, reason, detail -> ok, attempts, 1 if set aside now (the third attempt)
local function fail(keys, args)
    local tag, id = keys[1], args[2]
    local refusal = guard(tag, args[1])
    if refusal then
        return refusal
    end
    local packed = redis.call('HGET', tag .. ':l', id)
    if not packed then
        return {'ok', 0, 0}
    end
    local value = ledger_read(packed)
    local damaged = not value
    value = value or {0, 0, 0, '', 0, 0, 0}
    value[7] = (value[7] or 0) + 1
    if value[7] < 3 and not damaged then
        redis.call('HSET', tag .. ':l', id, cmsgpack.pack(value))
        return {'ok', value[7], 0}
    end
    redis.call('HSET', tag .. ':aside', id,
        cmsgpack.pack({args[3], args[4], value[7], value[2], value[3], value[4], value[5], now_ms()}))
    redis.call('HDEL', tag .. ':l', id)
    journal(tag, {'x', id, args[3]})
    return {done(), value[7], 1}
end

redis.register_function('fetcher_1_look', look)
redis.register_function('fetcher_1_drive', drive)
redis.register_function('fetcher_1_fail', fail)
