#!lua name=sender_1
-- sender.lua: the outbox of an account. KEYS[1] is the account tag; all checks come before the first write.
--
--   queued -lease-> sending -handed_over-> sending, handedOver -settle-> sent | failed | delayed | unknown
--      ^               | the lease runs out      | the lease runs out, or `checking`
--      +--- release ---+ (leased anew)           +-> looked for at 1, 5, 15, 60 minutes: sent, else unknown
--
-- `od` holds everything that is not final, by the time when somebody has to look: due, end of the lease, next check; `odb`
-- the same for copies of mail to many, so that they stand in nobody's way. What was handed over is in `od` in any case.
-- `os` holds the state as JSON: status, attempts, nextAttemptAt, serverReply, filing, recipients, messageId, token as in
-- docs/data-model.md, and
--   until       end of the lease (ms)             firstAt     first attempt (ms)
--   id          hex of the id of the composed message, once it entered the pipeline
--   handedOver  when the last octets were let go  key         hex of the id key of messageId
--   sentAt      when it was settled as sent (ms)
--   filed       some recipients had it before     settled     token of the last settle (twice is safe)
--   bulk        a copy of mail to many            waits       `day|minute`: what it waits for until nextAttemptAt
--   paced       [ms, recipients, scale] as pace.lua counted this attempt
--
-- sender_1_take         limit, limit of bulk, how many of each are only to be ready in time (two numbers), ttl ms, scale, a word
--                       for the Message-IDs of those that have none -> gen, email, own, config, cred, key, paused, revision of
--                       `acct` and state of `st` in one list, empty if nothing was due; then for each that was due, people's first: submission, lane
--                       (0 people, 1 bulk) and one of
--     `ok`, token, attempts, messageId, firstAt, recipients JSON or '', filed 0|1, entry of `o`
--     `early` (over the account's limits: pace.lua) or `done` or `gone` (no entry, or another generation: it is taken off)
--     `checked`, status, 0|1 (was handed over before: looked for; 1 if that ended it and the journal has it)
--                       An account with a limit a minute gets none ahead of time: what is counted goes at once.
-- sender_1_extend       submission, token, ttl ms -> `ok` or `stale`
-- sender_1_handed_over  submission, token, hex of the id key -> `ok` or `stale` or `gone`
-- sender_1_release      submission, token -> `ok` or `stale`; not after the hand-over
-- sender_1_settle       submission, token, status `sent|delayed|failed|unknown|checking`, due ms, scale, JSON of fields to
--                       set, then what enters the pipeline, or nothing: id, ledger value, blob, append 0|1
--                       -> `ok` or `stale` or `gone`

local pace = {} -- pace.lua
local FINAL = {sent = true, failed = true, unknown = true, cancelled = true}
local TAKE_MAX = 64
local CHECKS = {60000, 300000, 900000, 3600000}

local function now_ms()
    local t = redis.call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function decimal(n)
    return string.format('%d', n or 0)
end

-- refused: [[address, enhanced status]...], nobody is there; or nil
local function journal(tag, now, submission, status, refused)
    local n = tonumber(redis.call('HGET', tag .. ':n', 'j') or 0) + 1
    redis.call('XADD', tag .. ':j', decimal(n) .. '-0', 'e', cmsgpack.pack({'o', now, submission, status, refused and '' or nil, refused}))
    redis.call('HSET', tag .. ':n', 'j', decimal(n))
end

local function state_get(tag, submission)
    local good, state = pcall(cjson.decode, redis.call('HGET', tag .. ':os', submission) or '{}')
    return good and type(state) == 'table' and state or {}
end

-- at: when to look again, nil never
local function state_put(tag, submission, state, at)
    redis.call('HSET', tag .. ':os', submission, cjson.encode(state))
    local bulk = state.bulk and not state.handedOver
    redis.call('ZREM', tag .. (bulk and ':od' or ':odb'), submission)
    if at then
        redis.call('ZADD', tag .. (bulk and ':odb' or ':od'), decimal(at), submission)
    else
        redis.call('ZREM', tag .. (bulk and ':odb' or ':od'), submission)
    end
end

local function take_off(tag, submission)
    redis.call('ZREM', tag .. ':od', submission)
    redis.call('ZREM', tag .. ':odb', submission)
end

-- The entry, if it is of the account's living generation.
local function entry_get(tag, submission)
    local packed = redis.call('HGET', tag .. ':o', submission)
    local gen = redis.call('HGET', tag .. ':acct', 'gen')
    if not packed or not gen or decimal(cmsgpack.unpack(packed)[8]) ~= gen then
        return nil
    end
    return packed
end

local function owned(state, token)
    return state.status == 'sending' and decimal(state.token) == token
end

local function is_known(tag, id)
    for _, suffix in ipairs({':m', ':l', ':aside', ':dead'}) do
        if redis.call('HEXISTS', tag .. suffix, id) == 1 then
            return true
        end
    end
    return false
end

-- A copy of the message came in from the provider, or an answer to it. What entered by us is no evidence.
local function is_found(tag, state)
    if state.filed or not state.key then
        return false
    end
    local key = string.gsub(state.key, '%x%x', function(hex) return string.char(tonumber(hex, 16)) end)
    return redis.call('HEXISTS', tag .. ':i', key) == 1
end

local function next_check(state, now, scale)
    for _, after in ipairs(CHECKS) do
        local at = state.handedOver + math.ceil(after / scale)
        if at > now then
            return at
        end
    end
end

-- Handed over and without an answer: sent if it is found, unknown after the last look. -> 1 if it is over
local function check(tag, submission, state, now, scale)
    local at
    if is_found(tag, state) then
        state.status, state.filing = 'sent', 'provider'
        for _, recipient in ipairs(state.recipients or {}) do
            if recipient.status == 'unknown' then
                recipient.status = 'sent'
            end
        end
    else
        at = next_check(state, now, scale)
        if not at then
            state.status = 'unknown'
        end
    end
    state_put(tag, submission, state, at)
    if at then
        return 0
    end
    journal(tag, now, submission, state.status)
    return 1
end

local function due(tag, now, suffix, most)
    if most <= 0 then
        return {}
    end
    return redis.call('ZRANGEBYSCORE', tag .. suffix, '-inf', decimal(now), 'LIMIT', 0, math.min(most, TAKE_MAX))
end

-- The entry's own, else `word@domain of the account`.
local function message_id(entry, email, word)
    local given = entry[7]
    return given and given ~= '' and given or word .. '@' .. (string.match(email, '@([^@]+)$') or 'localhost')
end

-- Within the account's limits? Else it is put off, and the state says until when and why.
local function may_go(tag, submission, state, entry, now, scale)
    state.bulk = entry[9] == 1 or nil
    if state.paced then
        return true -- counted, by a sender that died
    end
    local recipients = entry[10] or 1
    local at, why = pace.take(tag, state.bulk, recipients, now, scale)
    if at then
        state.status = state.status or 'queued'
        state.nextAttemptAt, state.waits = at, why
        state_put(tag, submission, state, at)
        return false
    end
    state.paced = {now, recipients, scale}
    return true
end

local function lease(tag, submission, now, ttl, scale, acct, word)
    local packed = entry_get(tag, submission)
    if not packed then
        take_off(tag, submission)
        return {'gone'}
    end
    local state = state_get(tag, submission)
    if FINAL[state.status] then
        take_off(tag, submission)
        return {'done'}
    end
    if state.handedOver then
        local over = check(tag, submission, state, now, scale)
        return {'checked', state.status, over}
    end
    local entry = cmsgpack.unpack(packed)
    if not may_go(tag, submission, state, entry, now, scale) then
        return {'early'}
    end
    state.status = 'sending'
    state.token = (state.token or 0) + 1
    state.attempts = (state.attempts or 0) + 1
    state.messageId = state.messageId or message_id(entry, acct[2], word)
    state.firstAt = state.firstAt or now
    state['until'] = now + ttl
    state.nextAttemptAt, state.waits = nil, nil
    state_put(tag, submission, state, state['until'])
    return {'ok', decimal(state.token), state.attempts, state.messageId, decimal(state.firstAt),
        state.recipients and cjson.encode(state.recipients) or '', state.filed and 1 or 0, packed}
end

local function take(keys, args)
    local tag, now, found = keys[1], now_ms(), {}
    local most, most_bulk = tonumber(args[1]), tonumber(args[2])
    if pace.by_the_minute(tag) then
        most, most_bulk = most - tonumber(args[3]), most_bulk - tonumber(args[4])
    end
    local people, bulk = due(tag, now, ':od', most), {}
    if not pace.bulk_waits(tag, now) then
        bulk = due(tag, now, ':odb', math.min(most, most_bulk))
    end
    if #people + #bulk == 0 then
        return {{}}
    end
    local acct = redis.call('HMGET', tag .. ':acct', 'gen', 'email', 'own', 'config', 'cred', 'key', 'paused', 'revision')
    for i = 1, 8 do
        acct[i] = acct[i] or ''
    end
    acct[9] = redis.call('HGET', tag .. ':st', 'state') or ''
    for lane, submissions in ipairs({people, bulk}) do
        for i, submission in ipairs(submissions) do
            if most > 0 then
                local word = args[7] .. lane .. '-' .. i
                local answer = lease(tag, submission, now, tonumber(args[5]), tonumber(args[6]), acct, word)
                most = most - (answer[1] == 'ok' and 1 or 0)
                found[#found + 1] = {submission, lane - 1, unpack(answer)}
            end
        end
    end
    return {acct, unpack(found)}
end

local function extend(keys, args)
    local state = state_get(keys[1], args[1])
    if not owned(state, args[2]) then
        return {'stale'}
    end
    state['until'] = now_ms() + tonumber(args[3])
    state_put(keys[1], args[1], state, state['until'])
    return {'ok'}
end

local function handed_over(keys, args)
    local tag, submission = keys[1], args[1]
    if not entry_get(tag, submission) then
        return {'gone'}
    end
    local state, now = state_get(tag, submission), now_ms()
    if not owned(state, args[2]) or (not state.handedOver and state['until'] < now) then
        return {'stale'}
    end
    state.handedOver = state.handedOver or now
    state.key = args[3]
    state_put(tag, submission, state, state['until'])
    return {'ok'}
end

local function release(keys, args)
    local state = state_get(keys[1], args[1])
    if not owned(state, args[2]) or state.handedOver then
        return {'stale'}
    end
    pace.give(keys[1], state)
    state.attempts = state.attempts - 1
    state.status = state.attempts > 0 and 'delayed' or 'queued'
    state_put(keys[1], args[1], state, now_ms())
    return {'ok'}
end

local function enter_sent(tag, submission, id, ledger, blob, append)
    if not is_known(tag, id) then
        redis.call('HSET', tag .. ':l', id, ledger)
        -- In no mailbox yet, and read: the fetcher adds the place when the copy in Sent comes in.
        redis.call('HSETNX', tag .. ':p', id, cmsgpack.pack({{}, {'$seen'}}))
    end
    if append == '1' then
        redis.call('XADD', tag .. ':cmd', '*', 'kind', 'append', 'submission', submission, 'blob', blob, 'id', id)
    end
end

-- Recipients that the server refused for good, with the status it gave (RFC 3463).
local function refused(state)
    local list = {}
    for _, recipient in ipairs(type(state.recipients) == 'table' and state.recipients or {}) do
        local status = recipient.status == 'failed' and string.match(tostring(recipient.serverReply), '%f[%d]5%.%d+%.%d+')
        if status then
            list[#list + 1] = {string.lower(tostring(recipient.email)), status}
        end
    end
    return #list > 0 and list or nil
end

local function settle(keys, args)
    local tag, submission, token, status = keys[1], args[1], args[2], args[3]
    if not entry_get(tag, submission) then
        take_off(tag, submission)
        return {'gone'}
    end
    local state, now = state_get(tag, submission), now_ms()
    if decimal(state.settled) == token then
        return {'ok'}
    end
    if not owned(state, token) then
        return {'stale'}
    end
    for name, value in pairs(cjson.decode(args[6])) do
        state[name] = value
    end
    if status == 'checking' then
        state_put(tag, submission, state, next_check(state, now, tonumber(args[5])) or now)
        return {'ok'}
    end
    if status == 'sent' then
        state.sentAt = now
        redis.call('HSET', tag .. ':lg', 'sent', decimal(now))
    end
    state.status = status
    state.settled = state.token
    pace.give(tag, state)
    state.handedOver, state['until'] = nil, nil
    if status == 'delayed' then
        state.nextAttemptAt = tonumber(args[4])
    end
    if args[7] then
        state.filed = true
        state.id = string.gsub(args[7], '.', function(c) return string.format('%02x', string.byte(c)) end)
        enter_sent(tag, submission, args[7], args[8], args[9], args[10])
    end
    state_put(tag, submission, state, state.nextAttemptAt)
    journal(tag, now, submission, status, refused(state))
    return {'ok'}
end

redis.register_function('sender_1_take', take)
redis.register_function('sender_1_extend', extend)
redis.register_function('sender_1_handed_over', handed_over)
redis.register_function('sender_1_release', release)
redis.register_function('sender_1_settle', settle)
