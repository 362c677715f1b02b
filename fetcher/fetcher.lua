#!lua name=fetcher_1
-- What the fetcher changes in an account's slot. KEYS[1] is the account tag; all checks stand before the first write.
-- The library is common/store/journal.lua, this file (places and keywords; what enters), ledger.lua, backfill.lua, common/store/logins.lua, budget.lua,
-- life.lua, coverage.lua, identify.lua, suspects.lua and numbering.lua, in that order.

local LIMIT = 64

local function now_ms()
    local t = redis.call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Has this call written to the journal? Then its answer begins with `noted` instead of `ok`: linkers are to be rung.
local noted = false

-- nil, or the refusal: gone (another generation), stale (another holder of the lease)
local function guard(tag, gen, token)
    noted = false
    if redis.call('HGET', tag .. ':acct', 'gen') ~= gen then
        return {'gone'}
    end
    if token and redis.call('HGET', tag .. ':lease', 'token') ~= token then
        return {'stale'}
    end
end

-- entry: [type, ...]; the time becomes its second element
local function journal(tag, entry)
    noted = true
    table.insert(entry, 2, now_ms())
    journal_add(tag, cmsgpack.pack(entry))
end

local function done()
    return noted and 'noted' or 'ok'
end

-- The thread of a committed message, or nil if it is not committed.
local function thread_of(tag, id)
    local record = redis.call('HGET', tag .. ':m', id)
    if not record then
        return nil
    end
    local thread = cmsgpack.unpack(record)[2]
    for _ = 1, 64 do
        local survivor = redis.call('HGET', tag .. ':al', thread)
        if not survivor then
            break
        end
        thread = survivor
    end
    return thread
end

local function places_of(tag, id)
    local packed = redis.call('HGET', tag .. ':p', id)
    local value = packed and cmsgpack.unpack(packed) or {}
    return value[1] or {}, value[2] or {}, packed
end

-- What the server says of a message, [name, size, check, [labels]], or nil: its own name for it, and the mailboxes that
-- its labels are; the last is missing where it says nothing of labels.
local function source_of(packed)
    return packed and packed ~= '' and cmsgpack.unpack(packed) or nil
end

local function keep_name(names, source, id)
    if source and source[1] ~= '' then
        names[#names + 1] = source[1]
        names[#names + 1] = id .. struct.pack('>I4I4', source[2], source[3])
    end
end

local function same_labels(a, b)
    return table.concat(a or {}, ',') == table.concat(b or {}, ',')
end

-- [mailbox, uidvalidity, uid], and the mailboxes of its labels if it has any
local function place_of(mailbox, validity, uid, labels)
    return {tonumber(mailbox), tonumber(validity), tonumber(uid), labels and #labels > 0 and labels or nil}
end

-- The mailboxes a message is in, by path: a mailbox numbered anew after a UIDVALIDITY change is the same place.
local function paths(tag, places)
    local seen, list = {}, {}
    local function add(mailbox)
        local box = redis.call('HGET', tag .. ':box', mailbox)
        local path = box and cmsgpack.unpack(box)[1] or tostring(mailbox)
        if not seen[path] then
            seen[path] = true
            list[#list + 1] = path
        end
    end
    for _, place in ipairs(places) do
        add(place[1])
        for _, mailbox in ipairs(place[4] or {}) do
            add(mailbox)
        end
    end
    table.sort(list)
    return table.concat(list, '\0')
end

local function same_list(a, b)
    if #a ~= #b then
        return false
    end
    local has = {}
    for _, word in ipairs(a) do
        has[word] = true
    end
    for _, word in ipairs(b) do
        if not has[word] then
            return false
        end
    end
    return true
end

local function uid_key(tag, mailbox, uid)
    return tag .. ':u:' .. mailbox .. ':' .. string.format('%d', math.floor(uid / 64))
end

local function has_word(words, wanted)
    for _, word in ipairs(words) do
        if word == wanted then
            return true
        end
    end
    return false
end

-- Writes places and keywords; tells a committed message's changes to the journal. Behind them stands the number of the entry
-- that told of $seen last: what the provider says later than a user counts, and the other way round.
local function put_places(tag, id, places, words, old_places, old_words)
    local thread = thread_of(tag, id)
    local _, _, packed = places_of(tag, id)
    local seen_n = packed and cmsgpack.unpack(packed)[3]
    if thread and not same_list(words, old_words) then
        journal(tag, {'f', id, thread})
        if has_word(words, '$seen') ~= has_word(old_words, '$seen') then
            seen_n = tonumber(redis.call('HGET', tag .. ':n', 'j'))
        end
    end
    redis.call('HSET', tag .. ':p', id, cmsgpack.pack({places, words, seen_n}))
    if thread and paths(tag, places) ~= paths(tag, old_places) then
        journal(tag, {'v', id, thread})
    end
end

local function remove_place(tag, mailbox, uid)
    local key = uid_key(tag, mailbox, uid)
    local known = redis.call('HGET', key, uid)
    if not known then
        return false
    end
    redis.call('HDEL', key, uid)
    local id = string.sub(known, 1, 10)
    local old, words = places_of(tag, id)
    local kept = {}
    for _, place in ipairs(old) do
        if not (tostring(place[1]) == mailbox and place[3] == tonumber(uid)) then
            kept[#kept + 1] = place
        end
    end
    if #kept ~= #old then
        put_places(tag, id, kept, words, old, words)
    end
    -- What a server refused has no bytes and is known by its place alone.
    local aside = #kept == 0 and redis.call('HGET', tag .. ':aside', id)
    if aside and cmsgpack.unpack(aside)[1] == 'refused' then
        redis.call('HDEL', tag .. ':aside', id)
        redis.call('HDEL', tag .. ':p', id)
    end
    return true
end

-- The places with other labels at one of them; and whether they are others.
local function relabel(places, mailbox, uid, labels)
    local list, changed = {}, false
    for i, place in ipairs(places) do
        list[i] = place
        if labels and tostring(place[1]) == mailbox and place[3] == tonumber(uid) and not same_labels(place[4], labels) then
            list[i], changed = place_of(mailbox, place[2], uid, labels), true
        end
    end
    return list, changed
end

-- True if the place is new.
local function add_place(tag, id, mailbox, validity, uid, flags, packed_words, labels)
    local key = uid_key(tag, mailbox, uid)
    local known = redis.call('HGET', key, uid)
    if known and string.sub(known, 1, 10) ~= id then
        remove_place(tag, mailbox, uid)
        known = nil
    end
    local value = id .. string.char(tonumber(flags))
    if known ~= value then
        redis.call('HSET', key, uid, value)
    end
    local old, old_words, had = places_of(tag, id)
    local words = cmsgpack.unpack(packed_words)
    local places, relabelled = relabel(old, mailbox, uid, labels)
    local present = false
    for _, place in ipairs(places) do
        present = present or (tostring(place[1]) == mailbox and place[3] == tonumber(uid))
    end
    if not present then
        places[#places + 1] = place_of(mailbox, validity, uid, labels)
    end
    if not had or not present or relabelled or not same_list(words, old_words) then
        put_places(tag, id, places, words, old, old_words)
    end
    return not known
end

-- Committed, in the ledger, set aside or deleted here: nothing to enter.
local function is_known(tag, id)
    return redis.call('HEXISTS', tag .. ':m', id) == 1 or redis.call('HEXISTS', tag .. ':l', id) == 1 or
        redis.call('HEXISTS', tag .. ':aside', id) == 1 or redis.call('HEXISTS', tag .. ':dead', id) == 1
end

-- What is written of messages nobody has heard of: nearly all of a first sync. They are written together.
local function fresh_open(tag, args, stride)
    local f = {tag = tag, heard = {}, uids = {}, places = {}, ledger = {}}
    local ids, by_key = {}, {}
    for i = 6, #args, stride do
        ids[#ids + 1] = args[i]
        local key = uid_key(tag, args[3], args[i + 2])
        by_key[key] = by_key[key] or {}
        table.insert(by_key[key], args[i + 2])
    end
    if #ids == 0 then
        return f
    end
    for _, name in ipairs({':m', ':l', ':aside', ':dead', ':p'}) do
        for k, value in ipairs(redis.call('HMGET', tag .. name, unpack(ids))) do
            f.heard[ids[k]] = f.heard[ids[k]] or value
        end
    end
    for key, uids in pairs(by_key) do
        for k, value in ipairs(redis.call('HMGET', key, unpack(uids))) do
            f.heard[key .. uids[k]] = value
        end
    end
    return f
end

local function fresh_add(f, id, mailbox, validity, uid, flags, words, ledger, labels)
    local key = uid_key(f.tag, mailbox, uid)
    f.heard[id], f.heard[key .. uid] = true, true
    f.uids[key] = f.uids[key] or {}
    table.insert(f.uids[key], uid)
    table.insert(f.uids[key], id .. string.char(tonumber(flags)))
    -- [[place], words]: the words are packed already
    table.insert(f.places, id)
    table.insert(f.places, '\146\145' .. cmsgpack.pack(place_of(mailbox, validity, uid, labels)) .. words)
    table.insert(f.ledger, id)
    table.insert(f.ledger, ledger)
end

local function fresh_write(f)
    for key, list in pairs(f.uids) do
        redis.call('HSET', key, unpack(list))
    end
    if #f.ledger > 0 then
        redis.call('HSET', f.tag .. ':p', unpack(f.places))
        redis.call('HSET', f.tag .. ':l', unpack(f.ledger))
    end
    f.uids, f.places, f.ledger = {}, {}, {}
end

-- A message that was heard of, or is set aside at once. True if it enters the ledger; and if its place is new.
local function enter_known(tag, mailbox, id, validity, uid, flags, words, ledger, labels)
    local new_place = add_place(tag, id, mailbox, validity, uid, flags, words, labels)
    if ledger == '' or is_known(tag, id) then
        return false, new_place
    end
    if string.sub(ledger, 1, 1) == 'A' then
        redis.call('HSET', tag .. ':aside', id, string.sub(ledger, 2))
        journal(tag, {'x', id, cmsgpack.unpack(string.sub(ledger, 2))[1]})
        return false, new_place
    end
    redis.call('HSET', tag .. ':l', id, ledger)
    return true, new_place
end

-- gen, token, mailbox number, box value or '', count, then (id, uidvalidity, uid, flags, keywords, ledger value or ''
-- and, in all or in none of them, what the server says of it or '')...
-- A ledger value that begins with 'A' instead of a msgpack array sets the message aside at once: 'A' .. aside value.
local function enter(keys, args)
    local tag, gen, token, mailbox, box, count = keys[1], args[1], args[2], args[3], args[4], tonumber(args[5])
    local stride = #args == 5 + 7 * count and 7 or 6
    if count > LIMIT or #args ~= 5 + stride * count then
        return {'refused', 'count'}
    end
    local refusal = guard(tag, gen, token)
    if refusal then
        return refusal
    end
    -- The box first: journal entries compare mailboxes by path.
    local before = redis.call('HGET', tag .. ':box', mailbox)
    local value = (box ~= '' or before) and cmsgpack.unpack(box ~= '' and box or before) or nil
    if box ~= '' then
        redis.call('HSET', tag .. ':box', mailbox, box)
    end
    local fresh, entered, added, names = fresh_open(tag, args, stride), {}, 0, {}
    for i = 6, #args, stride do
        local id, uid, ledger = args[i], args[i + 2], args[i + 5]
        local source = stride == 7 and source_of(args[i + 6])
        local labels = source and source[4]
        keep_name(names, source, id)
        local enters, new_place = true, true
        if ledger == '' or string.sub(ledger, 1, 1) == 'A' or fresh.heard[id] or
            fresh.heard[uid_key(tag, mailbox, uid) .. uid] then
            fresh_write(fresh)
            enters, new_place = enter_known(tag, mailbox, id, args[i + 1], uid, args[i + 3], args[i + 4], ledger, labels)
        else
            fresh_add(fresh, id, mailbox, args[i + 1], uid, args[i + 3], args[i + 4], ledger, labels)
        end
        entered[#entered + 1] = enters and id or nil
        added = added + (new_place and 1 or 0)
    end
    fresh_write(fresh)
    if #names > 0 then
        redis.call('HSET', tag .. ':eid', unpack(names))
    end
    -- Its last element, how many are stored, is counted here.
    if value and (added > 0 or box ~= '') then
        value[7] = (before and cmsgpack.unpack(before)[7] or 0) + added
        redis.call('HSET', tag .. ':box', mailbox, cmsgpack.pack(value))
    end
    return {done(), entered, added}
end

-- gen, token, mailbox, count, (uid, flags, keywords and, in all or in none, what the server says of it or '')...: only of
-- places we know
local function flags(keys, args)
    local tag, mailbox, count = keys[1], args[3], tonumber(args[4])
    local stride = #args == 4 + 4 * count and 4 or 3
    if count > LIMIT or #args ~= 4 + stride * count then
        return {'refused', 'count'}
    end
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local changed = 0
    for i = 5, #args, stride do
        local uid = args[i]
        local source = stride == 4 and source_of(args[i + 3])
        local key = uid_key(tag, mailbox, uid)
        local known = redis.call('HGET', key, uid)
        if known then
            local id = string.sub(known, 1, 10)
            local old, old_words = places_of(tag, id)
            local words = cmsgpack.unpack(args[i + 2])
            local places, relabelled = relabel(old, mailbox, uid, source and source[4])
            redis.call('HSET', key, uid, id .. string.char(tonumber(args[i + 1])))
            if relabelled or not same_list(words, old_words) then
                put_places(tag, id, places, words, old, old_words)
                changed = changed + 1
            end
        end
    end
    return {done(), changed}
end

-- gen, token, mailbox, low, high (at most 4,096 apart), then (low, high)... of the uids that exist: all others go.
-- Answer: removed, and the uid to go on from if there were more than a call may remove (0: done).
local function sweep(keys, args)
    local tag, mailbox, low, high = keys[1], args[3], tonumber(args[4]), tonumber(args[5])
    if high - low > 4096 or #args > 5 + 2 * 4097 then
        return {'refused', 'range'}
    end
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local present = {}
    for i = 6, #args, 2 do
        for uid = math.max(low, tonumber(args[i])), math.min(high, tonumber(args[i + 1])) do
            present[uid] = true
        end
    end
    local removed, go_on = 0, 0
    for chunk = math.floor(low / 64), math.floor(high / 64) do
        if removed > 2 * LIMIT then
            go_on = chunk * 64
            break
        end
        for _, uid in ipairs(redis.call('HKEYS', tag .. ':u:' .. mailbox .. ':' .. string.format('%d', chunk))) do
            local number = tonumber(uid)
            if number >= low and number <= high and not present[number] then
                remove_place(tag, mailbox, uid)
                removed = removed + 1
            end
        end
    end
    local box = removed > 0 and redis.call('HGET', tag .. ':box', mailbox)
    if box then
        local value = cmsgpack.unpack(box)
        value[7] = math.max(0, value[7] - removed)
        redis.call('HSET', tag .. ':box', mailbox, cmsgpack.pack(value))
    end
    return {done(), removed, go_on}
end

-- gen, token, mailbox: forgets a mailbox that is no more (its places were swept)
local function drop(keys, args)
    local refusal = guard(keys[1], args[1], args[2])
    if refusal then
        return refusal
    end
    redis.call('HDEL', keys[1] .. ':box', args[3])
    return {done()}
end

redis.register_function('fetcher_1_enter', enter)
redis.register_function('fetcher_1_flags', flags)
redis.register_function('fetcher_1_sweep', sweep)
redis.register_function('fetcher_1_drop', drop)
