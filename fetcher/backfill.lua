-- backfill.lua: older mail on request (SYN-03): what was asked, how far it is. The hash `bf` of the account's slot.

local function refused_before(packed)
    local value = packed and ledger_read(packed)
    return value and value[1] == 'refused'
end

-- gen, mailbox, retry 0|1, uid... (at most 256) -> ok, those of them that are to be fetched: no place, or the message of
-- the place is neither committed, pending, set aside nor deleted here. retry: what the server refused counts as missing.
local function missing(keys, args)
    local tag, mailbox, retry = keys[1], args[2], args[3] == '1'
    if #args > 3 + 256 then
        return {'refused', 'count'}
    end
    local refusal = guard(tag, args[1])
    if refusal then
        return refusal
    end
    local by_key, id_of, ids = {}, {}, {}
    for i = 4, #args do
        local key = uid_key(tag, mailbox, args[i])
        by_key[key] = by_key[key] or {}
        table.insert(by_key[key], args[i])
    end
    for key, uids in pairs(by_key) do
        for k, value in ipairs(redis.call('HMGET', key, unpack(uids))) do
            if value then
                id_of[uids[k]] = string.sub(value, 1, 10)
                ids[#ids + 1] = id_of[uids[k]]
            end
        end
    end
    local known = {}
    for _, name in ipairs(#ids > 0 and {':m', ':l', ':dead', ':aside'} or {}) do
        for k, value in ipairs(redis.call('HMGET', tag .. name, unpack(ids))) do
            if value and not (retry and name == ':aside' and refused_before(value)) then
                known[ids[k]] = true
            end
        end
    end
    local out = {}
    for i = 4, #args do
        if not known[id_of[args[i]] or ''] then
            out[#out + 1] = args[i]
        end
    end
    return {'ok', out}
end

-- from state to state; anything else leaves it as it is
local steps = {
    pause = {running = 'paused'}, resume = {paused = 'running'}, cancel = {running = 'cancelled', paused = 'cancelled'},
}

-- gen, token, op (begin, pause, resume, cancel), id of the request, (field, value)... of begin
local function backfill(keys, args)
    local tag, op = keys[1], args[3]
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local key, now = tag .. ':bf', string.format('%d', now_ms())
    local old = redis.call('HMGET', key, 'id', 'state')
    if op == 'begin' then
        if old[1] ~= args[4] then
            redis.call('DEL', key)
            redis.call('HSET', key, 'id', args[4], 'state', 'running', 'started', now)
            for i = 5, #args - 1, 2 do
                redis.call('HSET', key, args[i], args[i + 1])
            end
        end
        return {'ok'}
    end
    local next_state = steps[op] and steps[op][old[2] or '']
    if next_state then
        redis.call('HSET', key, 'state', next_state, 'rate', '0')
        if next_state == 'cancelled' then
            redis.call('HSET', key, 'finished', now)
            journal(tag, {'a', 'backfill_cancelled', ''})
        end
    end
    return {done()}
end

local function tenths(done_count, total)
    return (total or 0) > 0 and math.floor(10 * (done_count or 0) / total) or 0
end

-- gen, token, id of the request, (field, value)...: how far it is. Of another request than the one at work: nothing.
-- A full tenth, and the end, go into the journal.
local function backfill_mark(keys, args)
    local tag, key = keys[1], keys[1] .. ':bf'
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local old = redis.call('HMGET', key, 'id', 'state', 'done', 'total')
    if old[1] ~= args[3] then
        return {'ok'}
    end
    local state
    for i = 4, #args - 1, 2 do
        if args[i] == 'state' then
            state = args[i + 1]
        else
            redis.call('HSET', key, args[i], args[i + 1])
        end
    end
    local new = redis.call('HMGET', key, 'done', 'total', 'counted')
    if new[3] == '1' and tenths(tonumber(new[1]), tonumber(new[2])) > tenths(tonumber(old[3] or 0), tonumber(old[4] or 0)) then
        journal(tag, {'a', 'backfill_progress', ''})
    end
    if state and old[2] == 'running' then
        redis.call('HSET', key, 'state', state, 'finished', string.format('%d', now_ms()), 'rate', '0')
        journal(tag, {'a', 'backfill_completed', ''})
    end
    return {done()}
end

redis.register_function('fetcher_1_missing', missing)
redis.register_function('fetcher_1_backfill', backfill)
redis.register_function('fetcher_1_backfill_mark', backfill_mark)
