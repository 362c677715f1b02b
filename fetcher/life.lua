-- life.lua: the life of an account in its slot: state, lease, configuration.

local announcements = {
    connected = 'connected', authenticationError = 'auth_failed', connectError = 'connect_failed', paused = 'paused',
}

-- What became of the copy that a command files, for the outbox entry of the message.
local function filing_put(tag, command, outcome)
    local fields = (redis.call('XRANGE', tag .. ':cmd', command, command)[1] or {})[2] or {}
    for i = 1, #fields, 2 do
        local good, state = pcall(cjson.decode, fields[i] == 'submission' and redis.call('HGET', tag .. ':os', fields[i + 1]) or '')
        if good and type(state) == 'table' then
            state.filing = outcome
            redis.call('HSET', tag .. ':os', fields[i + 1], cjson.encode(state))
        end
    end
end

-- gen, token, (field, value)...; a change of `state` also writes history and, if people shall hear of it, the journal.
-- A field `code` is not stored: it is the reason that goes into history and journal. Nor is `filing`, which comes with `cmdDone`.
local function state(keys, args)
    local tag = keys[1]
    local refusal = guard(tag, args[1], args[2])
    if refusal then
        return refusal
    end
    local st, fields, code, filing = tag .. ':st', {}, '', nil
    for i = 3, #args - 1, 2 do
        if args[i] == 'code' then
            code = args[i + 1]
        elseif args[i] == 'filing' then
            filing = args[i + 1]
        else
            fields[args[i]] = args[i + 1]
        end
    end
    local old = redis.call('HMGET', st, 'state', 'announced', 'initialDone')
    if fields.state and fields.state ~= old[1] then
        fields.since = string.format('%d', now_ms())
        redis.call('XADD', tag .. ':sth', 'MAXLEN', '~', 200, '*', 'state', fields.state, 'code', code)
        local name = announcements[fields.state]
        if name and name ~= old[2] then
            fields.announced = name
            journal(tag, {'a', name, code})
        end
    end
    if fields.initialDone == '1' and old[3] ~= '1' then
        journal(tag, {'a', 'initial_sync_completed', ''})
    end
    for field, value in pairs(fields) do
        redis.call('HSET', st, field, value)
    end
    if fields.cmdDone then
        if filing then
            filing_put(tag, fields.cmdDone, filing)
        end
        redis.call('XDEL', tag .. ':cmd', fields.cmdDone)
    end
    return {done()}
end

-- instance, ttl ms, token held or '', connections it has (may be left out) -> ok, token, gen, revision, paused, last command, messages in the ledger | held, owner, ms left | gone
local function lease(keys, args)
    local tag, instance, ttl, mine, links = keys[1], args[1], tonumber(args[2]), args[3], tonumber(args[4] or 0)
    local account = redis.call('HMGET', tag .. ':acct', 'gen', 'revision', 'paused')
    if not account[1] then
        return {'gone'}
    end
    local held, now = redis.call('HMGET', tag .. ':lease', 'owner', 'token', 'until'), now_ms()
    local token = held[2]
    if held[1] == instance and mine ~= '' then
        if mine ~= token then
            return {'stale'}
        end
    else
        -- Another life of the same instance takes over at once: its predecessor is dead.
        if held[1] and held[1] ~= '' and held[1] ~= instance and tonumber(held[3]) > now then
            return {'held', held[1], tonumber(held[3]) - now}
        end
        if mine ~= '' then
            return {'stale'}
        end
        token = string.format('%d', tonumber(token or 0) + 1)
        if held[1] and held[1] ~= '' then
            redis.call('HDEL', tag .. ':cn', held[1])
        end
    end
    connections_tell(tag .. ':cn', instance, links, now + ttl)
    redis.call('HSET', tag .. ':lease', 'owner', instance, 'token', token, 'until', string.format('%d', now + ttl))
    local last = redis.call('XREVRANGE', tag .. ':cmd', '+', '-', 'COUNT', 1)
    return {'ok', token, account[1], account[2] or '0', account[3] or '0', last[1] and last[1][1] or '', redis.call('HLEN', tag .. ':l')}
end

-- instance, token
local function release(keys, args)
    local held = redis.call('HMGET', keys[1] .. ':lease', 'owner', 'token')
    if held[1] == args[1] and held[2] == args[2] then
        redis.call('HSET', keys[1] .. ':lease', 'owner', '', 'until', '0')
        redis.call('HDEL', keys[1] .. ':cn', args[1])
    end
    return {'ok'}
end

local function text(value)
    local kind = type(value)
    return kind == 'string' and value or kind == 'number' and string.format('%d', value) or ''
end

-- gen -> ok, then field, value...: what the fetcher needs of the account; folders: '' for all, else a msgpack list
local function open(keys, args)
    local tag = keys[1]
    local refusal = guard(tag, args[1])
    if refusal then
        return refusal
    end
    local a = redis.call('HMGET', tag .. ':acct', 'user', 'email', 'own', 'cred', 'key', 'created', 'config')
    local good, config = pcall(cjson.decode, a[7] or '{}')
    config = good and type(config) == 'table' and config or {}
    local imap = type(config.imap) == 'table' and config.imap or {}
    local folders = type(config.folders) == 'table' and #config.folders > 0 and cmsgpack.pack(config.folders) or ''
    local st = redis.call('HMGET', tag .. ':st', 'cmdDone', 'initialDone')
    return {
        'ok', 'user', a[1] or '', 'email', a[2] or '', 'own', a[3] or '', 'cred', a[4] or '', 'key', a[5] or '',
        'created', a[6] or '0', 'host', text(imap.host), 'port', text(imap.port), 'security', text(imap.security),
        'login', text(imap.user), 'since', text(config.since), 'folders', folders, 'cmdDone', st[1] or '0-0',
        'initialDone', st[2] or '0',
    }
end

redis.register_function('fetcher_1_state', state)
redis.register_function('fetcher_1_lease', lease)
redis.register_function('fetcher_1_release', release)
redis.register_function('fetcher_1_open', open)
redis.register_function('fetcher_1_login_ask', login_ask)
redis.register_function('fetcher_1_login_told', login_told)
