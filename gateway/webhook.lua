-- webhook.lua: endpoints that events are posted to, and how far each has come. Part of the library gateway_1.
-- All have the key {c:<company>}. State: hash whs:<id>; what `end` was told last: stream whd:<id>.
--
-- gateway_1_webhook_put      id, JSON, position, most of a company -> `ok` or `full`. The state begins only once.
-- gateway_1_webhook_change   id, JSON before, JSON after, begin anew 0|1 -> `ok` or `stale`
-- gateway_1_webhook_move     id, position -> 1 or 0. What is being delivered no longer counts.
-- gateway_1_webhook_delete   id -> 1 or 0
-- gateway_1_webhook_lease    id, owner, now, until, epoch, position -> `ok`, `held` or `stale`
-- gateway_1_webhook_pass     the same, position after -> the same: there is nothing to deliver before it
-- gateway_1_webhook_end      id, owner, now, until, epoch, events delivered (0: failed), position after, next attempt ms,
--                            HTTP status, error, why it is turned off or ``, log entry -> `ok` or `stale`
-- gateway_1_webhook_release  id, owner
-- Times are in milliseconds. Twice is safe for all but `end`, whose repetition counts an attempt twice.

do
	local LOG_MAX = 500
	local EVENT_KEEP = 7 * 86400 * 1000

	local function state_key(tag, id)
		return tag .. ':whs:' .. id
	end

	local function put(keys, args)
		local tag, id = keys[1], args[1]
		local known = redis.call('HEXISTS', tag .. ':wh', id) == 1
		if not known and redis.call('HLEN', tag .. ':wh') >= tonumber(args[4]) then
			return 'full'
		end
		redis.call('HSET', tag .. ':wh', id, args[2])
		if redis.call('EXISTS', state_key(tag, id)) == 0 then
			redis.call('HSET', state_key(tag, id), 'epoch', 1, 'at', args[3])
		end
		return 'ok'
	end

	local function change(keys, args)
		local tag, id = keys[1], args[1]
		if redis.call('HGET', tag .. ':wh', id) ~= args[2] then
			return 'stale'
		end
		redis.call('HSET', tag .. ':wh', id, args[3])
		if args[4] == '1' then
			redis.call('HDEL', state_key(tag, id), 'stopped', 'stopped_at', 'failing', 'failures', 'next', 'error')
		end
		return 'ok'
	end

	local function move(keys, args)
		local key = state_key(keys[1], args[1])
		if redis.call('EXISTS', key) == 0 then
			return 0
		end
		redis.call('HSET', key, 'at', args[2])
		redis.call('HINCRBY', key, 'epoch', 1)
		redis.call('HDEL', key, 'next')
		return 1
	end

	local function delete(keys, args)
		local tag, id = keys[1], args[1]
		redis.call('UNLINK', state_key(tag, id), tag .. ':whd:' .. id)
		return redis.call('HDEL', tag .. ':wh', id)
	end

	-- nil if owner may go on from there.
	local function refused(key, owner, now, epoch, position)
		local v = redis.call('HMGET', key, 'owner', 'until', 'epoch', 'at')
		if v[1] and v[1] ~= owner and tonumber(v[2] or '0') > tonumber(now) then
			return 'held'
		end
		return (v[3] ~= epoch or v[4] ~= position) and 'stale' or nil
	end

	local function lease(keys, args)
		local key = state_key(keys[1], args[1])
		local no = refused(key, args[2], args[3], args[5], args[6])
		if not no then
			redis.call('HSET', key, 'owner', args[2], 'until', args[4])
		end
		return no or 'ok'
	end

	local function pass(keys, args)
		local key = state_key(keys[1], args[1])
		local no = refused(key, args[2], args[3], args[5], args[6])
		if not no then
			redis.call('HSET', key, 'at', args[7])
		end
		return no or 'ok'
	end

	local function succeeded(key, args)
		redis.call('HDEL', key, 'failures', 'failing', 'next', 'error')
		redis.call('HSET', key, 'at', args[7], 'delivered_at', args[3])
		redis.call('HINCRBY', key, 'delivered', args[6])
	end

	local function failed(tag, key, args)
		redis.call('HINCRBY', key, 'failures', 1)
		redis.call('HSETNX', key, 'failing', args[3])
		redis.call('HSET', key, 'next', args[8], 'error', args[10])
		if args[11] == '' then
			return
		end
		redis.call('HSET', key, 'stopped', args[11], 'stopped_at', args[3])
		local object = cjson.decode(redis.call('HGET', tag .. ':wh', args[1]))
		local data = {webhookId = args[1], reason = args[11], userId = object.userId ~= '' and object.userId or nil}
		redis.call('XADD', tag .. ':ev', 'MINID', '~', string.format('%.0f', tonumber(args[3]) - EVENT_KEEP), '*', 'e',
			'c' .. cmsgpack.pack({'webhook.disabled', tonumber(args[3]), cjson.encode(data)}))
	end

	local function finish(keys, args)
		local tag, id = keys[1], args[1]
		local key = state_key(tag, id)
		local v = redis.call('HMGET', key, 'owner', 'epoch')
		if v[1] ~= args[2] or v[2] ~= args[5] or redis.call('HEXISTS', tag .. ':wh', id) == 0 then
			return 'stale'
		end
		redis.call('HSET', key, 'tried_at', args[3], 'status', args[9], 'until', args[4])
		if args[6] ~= '0' then
			succeeded(key, args)
		else
			failed(tag, key, args)
		end
		redis.call('XADD', tag .. ':whd:' .. id, 'MAXLEN', '~', LOG_MAX, '*', 'd', args[12])
		return 'ok'
	end

	local function release(keys, args)
		local key = state_key(keys[1], args[1])
		if redis.call('HGET', key, 'owner') == args[2] then
			redis.call('HDEL', key, 'until')
		end
		return 'ok'
	end

	redis.register_function('gateway_1_webhook_put', put)
	redis.register_function('gateway_1_webhook_change', change)
	redis.register_function('gateway_1_webhook_move', move)
	redis.register_function('gateway_1_webhook_delete', delete)
	redis.register_function('gateway_1_webhook_lease', lease)
	redis.register_function('gateway_1_webhook_pass', pass)
	redis.register_function('gateway_1_webhook_end', finish)
	redis.register_function('gateway_1_webhook_release', release)
end
