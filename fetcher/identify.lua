-- identify.lua: messages by the ids that their server gives them (FAULTS 2.2): the hash `eid`, name -> id, size, check.

-- gen, name... (at most 256) -> ok, for each what is kept of it, or '' if it is not a message that is here
local function identify(keys, args)
    local tag = keys[1]
    if #args > 1 + 256 then
        return {'refused', 'count'}
    end
    local refusal = guard(tag, args[1])
    if refusal or #args == 1 then
        return refusal or {'ok', {}}
    end
    local values, ids, known = redis.call('HMGET', tag .. ':eid', unpack(args, 2)), {}, {}
    for k = 1, #args - 1 do
        if values[k] then
            ids[#ids + 1] = string.sub(values[k], 1, 10)
        end
    end
    for _, name in ipairs(#ids > 0 and {':m', ':l', ':dead', ':aside'} or {}) do
        for k, value in ipairs(redis.call('HMGET', tag .. name, unpack(ids))) do
            known[ids[k]] = known[ids[k]] or value
        end
    end
    for k = 1, #args - 1 do
        if not values[k] or not known[string.sub(values[k], 1, 10)] then
            values[k] = ''
        end
    end
    return {'ok', values}
end

redis.register_function('fetcher_1_identify', identify)
