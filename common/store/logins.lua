-- logins.lua: how often an account's mail servers may refuse us (ACC-06): at most three times an hour, over all processes
-- together, and then no more until the credentials change. A fragment of fetcher_1 and sender_1: one rule for both.
--
-- Hash `lg`, emptied by new credentials:
--   sent          when a message was sent last: stays
--   n             number of the last ticket
--   t:<ticket>    until when a login under way counts (ms): its process may have died
--   r             msgpack list of ms: refusals of the last hour, of both directions
--   <d>           `ok`, or why the last login of the direction (imap, smtp) failed: its code
--   <d>:at        when that was     <d>:text  the server's words     <d>:n  refusals in a row     <d>:stop  1: no more logins
-- What is under way counts as if it were refused: so several at once cannot exceed the three.
-- Sending alone stops at its second refusal: reading, which may well work, keeps its right to log in.

local LOGIN_HOUR_MS, LOGIN_REFUSALS, LOGIN_BUSY_MS, LOGIN_LATE_MS = 3600000, 3, 500, 600000
local LOGIN_SHARE = {imap = 3, smtp = 2}

local function login_refusals(key, now)
    local recent, packed = {}, redis.call('HGET', key, 'r')
    for _, at in ipairs(packed and cmsgpack.unpack(packed) or {}) do
        if at > now - LOGIN_HOUR_MS then
            recent[#recent + 1] = at
        end
    end
    return recent
end

-- Logins under way; forgets those that nobody will tell of any more.
local function login_pending(key, now)
    local count, fields = 0, redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        if string.sub(fields[i], 1, 2) == 't:' then
            local till = tonumber(fields[i + 1])
            if till > now then
                count = count + 1
            elseif till < now - LOGIN_LATE_MS then
                redis.call('HDEL', key, fields[i])
            end
        end
    end
    return count
end

-- direction imap|smtp, ms that a login may take, ms between a refusal and the next try -> `ok`, ticket ; `later`, ms,
-- code, text (no code: others are at it) ; `stopped`, code, text
local function login_ask(keys, args)
    local key, direction, now = keys[1] .. ':lg', args[1], now_ms()
    local last = redis.call('HMGET', key, direction, direction .. ':at', direction .. ':text', direction .. ':n',
        direction .. ':stop')
    local code, text = last[1] or '', last[3] or ''
    if last[5] == '1' then
        return {'stopped', code, text}
    end
    local pause = last[4] and tonumber(last[2]) + tonumber(args[3]) - now or 0
    if pause > 0 then
        return {'later', string.format('%d', pause), code, text}
    end
    local refused, pending = login_refusals(key, now), login_pending(key, now)
    if #refused >= LOGIN_REFUSALS then
        return {'later', string.format('%d', refused[1] + LOGIN_HOUR_MS - now + 1), 'too_many_refusals',
            'the mail servers refused three logins within an hour'}
    end
    if #refused + pending >= LOGIN_REFUSALS then
        return {'later', string.format('%d', LOGIN_BUSY_MS), '', ''}
    end
    local ticket = redis.call('HINCRBY', key, 'n', 1)
    redis.call('HSET', key, 't:' .. ticket, string.format('%d', now + tonumber(args[2])))
    return {'ok', string.format('%d', ticket)}
end

-- direction, ticket, `in`|`refused`|`failed`|`left` (it was broken off by us), code, text -> `ok` ; `stopped` ; `late` (the credentials are others now)
local function login_told(keys, args)
    local key, direction, what, now = keys[1] .. ':lg', args[1], args[3], now_ms()
    if redis.call('HDEL', key, 't:' .. args[2]) == 0 then
        return {'late'}
    end
    if what == 'left' then
        return {'ok'}
    end
    redis.call('HSET', key, direction, what == 'in' and 'ok' or args[4], direction .. ':at', string.format('%d', now),
        direction .. ':text', args[5])
    if what == 'in' then
        redis.call('HDEL', key, direction .. ':n')
    end
    if what ~= 'refused' then
        return {'ok'}
    end
    local refused = login_refusals(key, now)
    refused[#refused + 1] = now
    redis.call('HSET', key, 'r', cmsgpack.pack(refused))
    local row = redis.call('HINCRBY', key, direction .. ':n', 1)
    if row >= LOGIN_SHARE[direction] or #refused >= LOGIN_REFUSALS then
        redis.call('HSET', key, direction .. ':stop', '1')
        return {'stopped'}
    end
    return {'ok'}
end
