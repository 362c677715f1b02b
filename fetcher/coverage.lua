-- coverage.lua: what the server has, compared with the places stored here; what came of it; and where one message is.

-- What became of a message that has a place here.
local function fate(tag, id)
    if redis.call('HEXISTS', tag .. ':m', id) == 1 then
        return 'stored'
    elseif redis.call('HEXISTS', tag .. ':dead', id) == 1 then
        return 'deleted_here'
    elseif redis.call('HEXISTS', tag .. ':l', id) == 1 then
        return 'pending'
    end
    local aside = redis.call('HGET', tag .. ':aside', id)
    if aside then
        local value = ledger_read(aside)
        return value and value[1] == 'too_large' and 'too_large' or 'set_aside'
    end
    return 'screened'
end

-- Both of its two records say that it is there: the UID's and the message's own.
local function has_place(tag, id, mailbox, uid)
    for _, place in ipairs(places_of(tag, id)) do
        if tostring(place[1]) == mailbox and place[3] == uid then
            return true
        end
    end
    return false
end

-- gen, mailbox, low, high (less than 16,384 apart), count, (low, high) * count: the UIDs of the server, at most 512;
-- then (low, high)...: those of them that are to be here. Writes nothing.
-- -> ok, stored, outside the window, screened, set aside, too large, deleted here, pending, places that the server has
-- not, places in all, stored by the mailbox's own count, UIDs missing
local function cover(keys, args)
    local tag, mailbox, low, high, count = keys[1], args[2], tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
    if high - low >= 16384 or #args < 5 + 2 * count then
        return {'refused', 'range'}
    end
    local refusal = guard(tag, args[1])
    if refusal then
        return refusal
    end
    local known, due, present, places, uids = {}, {}, {}, 0, {}
    for chunk = math.floor(low / 64), math.floor(high / 64) do
        local pairs_of = redis.call('HGETALL', tag .. ':u:' .. mailbox .. ':' .. string.format('%d', chunk))
        for i = 1, #pairs_of, 2 do
            local uid = tonumber(pairs_of[i])
            if uid >= low and uid <= high then
                known[uid] = string.sub(pairs_of[i + 1], 1, 10)
                places = places + 1
            end
        end
    end
    for i = 6, #args - 1, 2 do
        for uid = math.max(low, tonumber(args[i])), math.min(high, tonumber(args[i + 1])) do
            if i < 6 + 2 * count then
                present[uid] = true
                uids[#uids + 1] = uid
            else
                due[uid] = true
            end
        end
    end
    if #uids > 512 then
        return {'refused', 'count'}
    end
    local n = {stored = 0, outside = 0, screened = 0, set_aside = 0, too_large = 0, deleted_here = 0, pending = 0}
    local missing, extras = {}, 0
    for _, uid in ipairs(uids) do
        local id = known[uid]
        local what = id and has_place(tag, id, mailbox, uid) and fate(tag, id) or not id and not due[uid] and 'outside'
        if what then
            n[what] = n[what] + 1
        else
            missing[#missing + 1] = uid
        end
    end
    for uid in pairs(known) do
        extras = extras + (present[uid] and 0 or 1)
    end
    local box = redis.call('HGET', tag .. ':box', mailbox)
    return {'ok', n.stored, n.outside, n.screened, n.set_aside, n.too_large, n.deleted_here, n.pending, extras, places,
            box and cmsgpack.unpack(box)[7] or 0, missing}
end

-- gen, token, mailbox, value, places counted or '', the mailbox's own count when that began: keeps the result; the own
-- count is put right unless it changed meanwhile. Forgets the results of mailboxes that are no more.
local function covered(keys, args)
    local tag, mailbox, places = keys[1], args[3], tonumber(args[5])
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local box = redis.call('HGET', tag .. ':box', mailbox)
    if not box then
        return {'ok'}
    end
    redis.call('HSET', tag .. ':cov', mailbox, args[4])
    local value = cmsgpack.unpack(box)
    if places and value[7] ~= places and value[7] == tonumber(args[6]) then
        value[7] = places
        redis.call('HSET', tag .. ':box', mailbox, cmsgpack.pack(value))
    end
    if redis.call('HLEN', tag .. ':cov') > redis.call('HLEN', tag .. ':box') then
        for _, number in ipairs(redis.call('HKEYS', tag .. ':cov')) do
            if redis.call('HEXISTS', tag .. ':box', number) == 0 then
                redis.call('HDEL', tag .. ':cov', number)
            end
        end
    end
    return {'ok'}
end

-- gen, token, request, seconds to keep, complete 0|1, then (mailbox, uid, bits)... of where the server has the message;
-- bits: 1 the mailbox is synced, 2 in its window, 4 its first sync has not come so far.
-- -> ok, mailboxes where it is missing. Keeps msgpack [complete, [[mailbox, fate, id or '', thread or ''], ...]].
local function found(keys, args)
    local tag = keys[1]
    if #args > 5 + 3 * LIMIT then
        return {'refused', 'count'}
    end
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local list, lacking = {}, {}
    for i = 6, #args - 2, 3 do
        local mailbox, uid, bits = args[i], tonumber(args[i + 1]), tonumber(args[i + 2])
        local known, what = redis.call('HGET', uid_key(tag, mailbox, uid), args[i + 1]), nil
        local id = known and string.sub(known, 1, 10) or ''
        if known and has_place(tag, id, mailbox, uid) then
            what = fate(tag, id)
        elseif bits % 2 < 1 then
            what = 'folder_not_synced'
        elseif bits % 4 < 2 then
            what = 'outside_window'
        elseif bits % 8 >= 4 then
            what = 'syncing'
        else
            what = 'missing'
            lacking[#lacking + 1] = tonumber(mailbox)
        end
        list[#list + 1] = {tonumber(mailbox), what, id, what == 'stored' and thread_of(tag, id) or ''}
    end
    redis.call('SET', tag .. ':found:' .. args[3], cmsgpack.pack({tonumber(args[5]), list}), 'EX', args[4])
    return {'ok', lacking}
end

redis.register_function('fetcher_1_cover', cover)
redis.register_function('fetcher_1_covered', covered)
redis.register_function('fetcher_1_found', found)
