-- numbering.lua: messages by which a mailbox's numbering is known again (FAULTS F2).

local SAMPLE_CHUNKS = 256

-- The lowest or the highest UID of low ... high that is known in the chunk; not what a server refused to give.
local function sample_in(tag, mailbox, chunk, low, high, highest)
    local found, found_id
    local pairs_of = redis.call('HGETALL', tag .. ':u:' .. mailbox .. ':' .. string.format('%d', chunk))
    for i = 1, #pairs_of, 2 do
        local uid, id = tonumber(pairs_of[i]), string.sub(pairs_of[i + 1], 1, 10)
        if uid >= low and uid <= high and (not found or (highest and uid > found or not highest and uid < found)) then
            local aside = redis.call('HGET', tag .. ':aside', id)
            local value = aside and ledger_read(aside)
            if not (value and value[1] == 'refused') then
                found, found_id = uid, id
            end
        end
    end
    return found, found_id
end

local function sample_from(tag, mailbox, first, last, step, low, high)
    for chunk = first, last, step do
        if math.abs(chunk - first) > SAMPLE_CHUNKS then
            return
        end
        local uid, id = sample_in(tag, mailbox, chunk, low, high, step < 0)
        if uid then
            return uid, id
        end
    end
end

-- gen, mailbox, low, high -> ok, then uid, id of the lowest, a middle and the highest message known there (those there are)
local function sample(keys, args)
    local tag, mailbox, low, high = keys[1], args[2], tonumber(args[3]), tonumber(args[4])
    local refusal = guard(tag, args[1])
    if refusal then
        return refusal
    end
    local bottom, top = math.floor(low / 64), math.floor(high / 64)
    local middle = math.floor((bottom + top) / 2)
    local out, seen = {'ok'}, {}
    for _, way in ipairs({{bottom, top, 1}, {middle, bottom, -1}, {top, bottom, -1}}) do
        local uid, id = sample_from(tag, mailbox, way[1], way[2], way[3], low, high)
        if uid and not seen[uid] then
            seen[uid] = true
            out[#out + 1] = string.format('%d', uid)
            out[#out + 1] = id
        end
    end
    return out
end

redis.register_function('fetcher_1_sample', sample)
