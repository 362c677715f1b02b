-- pace.lua: what an account may send (SND-10). Part of sender_1, behind sender.lua.
--
-- The limits are `pace` of `acct`, put there by the gateway: `<recipients a day> <messages a minute>`, 0 without limit. Used is
-- what is in the last 24 hours and the last minute, in `pace`:
--   d, m     msgpack list bucket, count, bucket, count... of 15 minutes (recipients) and of a second (messages)
--   bulk     ms before which no copy of mail to many goes      why      `day|minute`
-- Mail to many gets four fifths of a limit, so that people can always write. A window that is empty admits any message.

local WINDOWS = {
    {field = 'd', why = 'day', span = 86400000, bucket = 900000},
    {field = 'm', why = 'minute', span = 60000, bucket = 1000},
}
local BULK_SHARE = 0.8

local function limits_of(tag)
    local day, minute = string.match(redis.call('HGET', tag .. ':acct', 'pace') or '', '^(%d+) (%d+)$')
    return {tonumber(day) or 0, tonumber(minute) or 0}
end

function pace.by_the_minute(tag)
    return limits_of(tag)[2] > 0
end

-- What of a window counts now -> list, sum
local function window_read(tag, w, now, scale)
    local packed = redis.call('HGET', tag .. ':pace', w.field)
    local list, kept, sum = packed and cmsgpack.unpack(packed) or {}, {}, 0
    local bucket, span = w.bucket / scale, w.span / scale
    for i = 1, #list, 2 do
        if (list[i] + 1) * bucket > now - span then
            kept[#kept + 1], kept[#kept + 2] = list[i], list[i + 1]
            sum = sum + list[i + 1]
        end
    end
    return kept, sum
end

-- When n more have room; nil: now.
local function window_slot(w, list, sum, n, limit, scale)
    if sum == 0 or sum + n <= limit then
        return nil
    end
    local at = 0
    for i = 1, #list, 2 do
        at, sum = math.ceil((list[i] + 1) * w.bucket / scale + w.span / scale), sum - list[i + 1]
        if sum <= 0 or sum + n <= limit then
            break
        end
    end
    return at
end

local function window_add(tag, w, list, n, now, scale)
    local bucket = math.floor(now * scale / w.bucket)
    if list[#list - 1] == bucket then
        list[#list] = list[#list] + n
    else
        list[#list + 1], list[#list + 2] = bucket, n
    end
    redis.call('HSET', tag .. ':pace', w.field, cmsgpack.pack(list))
end

-- Counts a message, or says when and why not now: at, why
function pace.take(tag, bulk, recipients, now, scale)
    local limits, read, later, why = limits_of(tag), {}, 0, nil
    local counts = {recipients, 1}
    for i, w in ipairs(WINDOWS) do
        local limit = bulk and math.max(1, math.floor(limits[i] * BULK_SHARE)) or limits[i]
        if limits[i] > 0 then
            local list, sum = window_read(tag, w, now, scale)
            local at = window_slot(w, list, sum, counts[i], limit, scale)
            read[i] = list
            if at and at > later then
                later, why = at, w.why
            end
        end
    end
    if why then
        if bulk then
            redis.call('HSET', tag .. ':pace', 'bulk', string.format('%d', later), 'why', why)
        end
        return later, why
    end
    for i, w in ipairs(WINDOWS) do
        if read[i] then
            window_add(tag, w, read[i], counts[i], now, scale)
        end
    end
end

-- What was counted and not handed over did not count.
function pace.give(tag, state)
    local paced = state.paced
    state.paced = nil
    if not paced or state.handedOver then
        return
    end
    for i, w in ipairs(WINDOWS) do
        local packed = redis.call('HGET', tag .. ':pace', w.field)
        local list, n = packed and cmsgpack.unpack(packed) or {}, i == 1 and paced[2] or 1
        for k = 1, #list, 2 do
            if list[k] == math.floor(paced[1] * (paced[3] or 1) / w.bucket) then
                list[k + 1] = math.max(0, list[k + 1] - n)
            end
        end
        if packed then
            redis.call('HSET', tag .. ':pace', w.field, cmsgpack.pack(list))
        end
    end
end

function pace.bulk_waits(tag, now)
    local at = redis.call('HGET', tag .. ':pace', 'bulk')
    return at and tonumber(at) > now
end
