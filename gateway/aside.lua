-- aside.lua: what is done with messages that were set aside (OPS-05). Part of the library gateway_1.
--
-- gateway_1_aside_retry  key {a:<company>/<account>}  arguments: generation, now_ms, id (at most 64)...
--   -> `gone`, or `ok`, for each id: `retried` (it is in the ledger again, with no attempts against it), `absent`,
--     `no_bytes` (it was never stored, so there is nothing to try)
-- gateway_1_aside_drop   key {a:<company>/<account>}  arguments: generation, id -> `gone`, `absent` or `ok`
--   The id gets a tombstone, so it does not come again.

do
	local ASIDE_STEP = 64

	local function is_gone(tag, gen)
		return redis.call('HGET', tag .. ':acct', 'gen') ~= gen
	end

	local function retry_one(tag, now, id)
		local packed = redis.call('HGET', tag .. ':aside', id)
		if not packed then
			return 'absent'
		end
		local v = cmsgpack.unpack(packed)
		if (v[6] or '') == '' then
			return 'no_bytes'
		end
		if redis.call('HEXISTS', tag .. ':m', id) == 0 then
			redis.call('HSET', tag .. ':l', id, cmsgpack.pack({0, v[4], v[5], v[6], v[7], 0, 0, now, ''}))
		end
		redis.call('HDEL', tag .. ':aside', id)
		return 'retried'
	end

	local function aside_retry(keys, args)
		local tag, now, statuses = keys[1], tonumber(args[2]), {}
		if is_gone(tag, args[1]) or #args > 2 + ASIDE_STEP then
			return {'gone'}
		end
		for i = 3, #args do
			statuses[#statuses + 1] = retry_one(tag, now, args[i])
		end
		return {'ok', statuses}
	end

	local function aside_drop(keys, args)
		local tag, id = keys[1], args[2]
		if is_gone(tag, args[1]) then
			return {'gone'}
		end
		if redis.call('HDEL', tag .. ':aside', id) == 0 then
			return {'absent'}
		end
		redis.call('HSET', tag .. ':dead', id, redis.call('HGET', tag .. ':n', 'j') or '0')
		return {'ok'}
	end

	redis.register_function('gateway_1_aside_retry', aside_retry)
	redis.register_function('gateway_1_aside_drop', aside_drop)
end
