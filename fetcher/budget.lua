-- budget.lua: how much of a mail server's patience is spent, by all fetchers together: connections, of an account (in its
-- slot) and of a host (in {g}), and the octets of an account's last 24 hours (FAULTS F6, F7).
--
-- Hash `cn` of an account and `{g}:cn:<host>`:
--   <instance>   msgpack [connections, until ms]. Each instance tells its own number, never a difference, so nothing can
--                leak: who tells no more does not count from `until` on.
--   low, low:until   what a server's refusal lowered the budget to, and for how long
-- Hash `by` of an account:
--   <hour>       octets read in that hour since 1970; kept for 24 hours
--   stop         until when the server itself forbids more (ms)

local BUDGET_AGAIN_MS, BUDGET_HOUR_MS, BUDGET_HOURS = 5000, 3600000, 24

-- instances that still tell -> all their connections, those of `mine`
local function connections(key, mine, now)
    local all, own, fields = 0, 0, redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        if fields[i] ~= 'low' and fields[i] ~= 'low:until' then
            local count, till = unpack(cmsgpack.unpack(fields[i + 1]))
            if till <= now then
                redis.call('HDEL', key, fields[i])
            else
                all = all + count
                own = own + (fields[i] == mine and count or 0)
            end
        end
    end
    return all, own
end

local function connections_tell(key, instance, count, till)
    if count > 0 then
        redis.call('HSET', key, instance, cmsgpack.pack({count, till}))
    else
        redis.call('HDEL', key, instance)
    end
end

-- key, instance, connections it would have then, at most (0: any number), ms they count -> the answer
local function connections_ask(key, instance, count, limit, ttl)
    local now = now_ms()
    local all, own = connections(key, instance, now)
    local low = redis.call('HMGET', key, 'low', 'low:until')
    local reason = 'limit'
    if low[1] and tonumber(low[2]) <= now then
        redis.call('HDEL', key, 'low', 'low:until')
    elseif low[1] and (limit == 0 or tonumber(low[1]) < limit) then
        limit, reason = tonumber(low[1]), 'lowered'
    end
    if limit > 0 and all - own + count > limit then
        local again = reason == 'lowered' and math.min(BUDGET_AGAIN_MS, tonumber(low[2]) - now) or BUDGET_AGAIN_MS
        return {'later', string.format('%d', math.max(again, 1)), reason}
    end
    connections_tell(key, instance, count, now + ttl)
    return {'ok'}
end

-- The server says that there are too many: one less than there are now, for a while.
local function connections_lower(key, ms)
    local now = now_ms()
    local all = connections(key, '', now)
    local low = math.max(1, all - 1)
    redis.call('HSET', key, 'low', string.format('%d', low), 'low:until', string.format('%d', now + ms))
    return {'ok', low}
end

-- instance, connections wanted, limit, ms they count -> `ok` ; `later`, ms, `limit`|`lowered`
local function budget_ask(keys, args)
    return connections_ask(keys[1] .. ':cn', args[1], tonumber(args[2]), tonumber(args[3]), tonumber(args[4]))
end

-- ms -> `ok`, what it is now
local function budget_lower(keys, args)
    return connections_lower(keys[1] .. ':cn', tonumber(args[1]))
end

local function host_key(tag, host)
    return tag .. ':cn:' .. host
end

-- Nobody removes a host's key: it goes when nobody has written it for a while.
local function host_keep(key, ttl)
    local till = tonumber(redis.call('HGET', key, 'low:until') or 0)
    redis.call('PEXPIRE', key, string.format('%d', math.max(4 * ttl, till - now_ms() + ttl)))
end

-- {g}; host, instance, connections wanted, limit, ms they count -> as budget_ask
local function host_ask(keys, args)
    local key, ttl = host_key(keys[1], args[1]), tonumber(args[5])
    local answer = connections_ask(key, args[2], tonumber(args[3]), tonumber(args[4]), ttl)
    host_keep(key, ttl)
    return answer
end

-- {g}; instance, ms they count, (host, connections)...
local function host_tell(keys, args)
    local ttl = tonumber(args[2])
    for i = 3, #args - 1, 2 do
        local key = host_key(keys[1], args[i])
        connections_tell(key, args[1], tonumber(args[i + 1]), now_ms() + ttl)
        host_keep(key, ttl)
    end
    return {'ok'}
end

-- {g}; host, ms
local function host_lower(keys, args)
    local key = host_key(keys[1], args[1])
    local answer = connections_lower(key, tonumber(args[2]))
    host_keep(key, 60000)
    return answer
end

-- From which ms on the octets of 24 hours are fewer than `limit` (0: they are now).
local function octets_until(hours, total, limit, hour)
    if limit == 0 or total < limit then
        return 0
    end
    for at = hour - BUDGET_HOURS + 1, hour do
        total = total - (hours[at] or 0)
        if total < limit then
            return (at + BUDGET_HOURS) * BUDGET_HOUR_MS
        end
    end
    return (hour + BUDGET_HOURS) * BUDGET_HOUR_MS
end

-- gen, octets read since the last time, limit of what can wait, limit of all (0: none)
-- -> `ok`, octets of 24 hours, ms when the one goes on, ms when the other does (0: now)
local function octets(keys, args)
    local refusal = guard(keys[1], args[1])
    if refusal then
        return refusal
    end
    local key, now, total, hours = keys[1] .. ':by', now_ms(), 0, {}
    local hour, stop = math.floor(now / BUDGET_HOUR_MS), 0
    if tonumber(args[2]) > 0 then
        redis.call('HINCRBY', key, string.format('%d', hour), args[2])
    end
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        local at = tonumber(fields[i])
        if fields[i] == 'stop' then
            stop = tonumber(fields[i + 1])
        elseif at > hour - BUDGET_HOURS then
            hours[at] = tonumber(fields[i + 1])
            total = total + hours[at]
        else
            redis.call('HDEL', key, fields[i])
        end
    end
    stop = stop > now and stop or 0
    local some = math.max(stop, octets_until(hours, total, tonumber(args[3]), hour))
    local all = math.max(stop, octets_until(hours, total, tonumber(args[4]), hour))
    return {'ok', string.format('%d', total), string.format('%d', some), string.format('%d', all)}
end

-- ms: so long the server lets nobody read
local function octets_stop(keys, args)
    redis.call('HSET', keys[1] .. ':by', 'stop', string.format('%d', now_ms() + tonumber(args[1])))
    return {'ok'}
end

redis.register_function('fetcher_1_budget_ask', budget_ask)
redis.register_function('fetcher_1_budget_lower', budget_lower)
redis.register_function('fetcher_1_host_ask', host_ask)
redis.register_function('fetcher_1_host_tell', host_tell)
redis.register_function('fetcher_1_host_lower', host_lower)
redis.register_function('fetcher_1_octets', octets)
redis.register_function('fetcher_1_octets_stop', octets_stop)
