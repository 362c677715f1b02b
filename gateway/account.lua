-- account.lua: what the gateway changes in an account's slot: its record, its end, its outbox. Part of gateway_1, behind
-- gateway.lua.
--
-- Account functions, key {a:<company>/<account>}:
-- gateway_1_account_put     now, revision expected or ``, data key if it has none, field, value, ... (value of `cred` `` takes it off; that of
--                           `audit` goes on the record of changes)
--                           -> `ok`, generation, revision, 1 if new ; `stale`, revision
-- gateway_1_account_kept    now -> `ok`: stops syncing, forgets the credentials, keeps mail and data key
-- gateway_1_account_erase   now, limit -> `ok`, generation, left. First raises the generation and destroys the data key and
--                           credentials, then removes a bounded part; call again until left is 0. The generation itself goes
--                           a week later: nothing that could come back with it lives so long
-- gateway_1_account_sweep   key... -> 1, or 0 if it is not erased: takes keys of its slot that are still there
-- gateway_1_outbox_add      generation, now, due ms, status, bulk 0|1, then submission, packed entry, ... (at most 500) -> `ok`,
--                           how many were not there yet ; `gone`
-- gateway_1_outbox_cancel   generation, now, submission -> `ok` ; `absent` ; `late`, status ; `gone`. Until the hand-over: a
--                           sender that is at it finds its lease gone, and lets no message go
-- Twice is safe for all of them.

local function account_journal(tag, entry)
	return journal_add(tag, cmsgpack.pack(entry))
end

local function account_put(keys, args)
	local tag, key = keys[1], keys[1] .. ':acct'
	local before = redis.call('HMGET', key, 'gen', 'revision', 'erased', 'removed')
	local revision = before[2] or '0'
	if args[2] ~= '' and args[2] ~= revision then
		return {'stale', revision}
	end
	local new = not before[2] or before[3] == '1' or before[4] == '1'
	redis.call('HSETNX', key, 'gen', '1')
	redis.call('HSETNX', key, 'key', args[3])
	local cred = false
	redis.call('HDEL', tag .. ':pace', 'bulk') -- limits may be others now
	for i = 4, #args, 2 do
		cred = cred or args[i] == 'cred'
		if args[i] == 'audit' then
			audit_add(tag .. ':aud', args[i + 1])
		elseif args[i] == 'cred' and args[i + 1] == '' then
			redis.call('HDEL', key, 'cred')
		else
			redis.call('HSET', key, args[i], args[i + 1])
		end
	end
	redis.call('HDEL', key, 'erased', 'removed')
	redis.call('PERSIST', key)
	if cred then -- what was refused were others
		local sent = redis.call('HGET', tag .. ':lg', 'sent')
		redis.call('UNLINK', tag .. ':lg')
		if sent then
			redis.call('HSET', tag .. ':lg', 'sent', sent)
		end
	end
	revision = redis.call('HINCRBY', key, 'revision', 1)
	if new then
		account_journal(tag, {'a', tonumber(args[1]), 'created', ''})
	end
	return {'ok', redis.call('HGET', key, 'gen'), tostring(revision), new and 1 or 0}
end

local function account_kept(keys, args)
	local key = keys[1] .. ':acct'
	if redis.call('HEXISTS', key, 'gen') == 1 and redis.call('HGET', key, 'removed') ~= '1' then
		redis.call('HSET', key, 'removed', '1')
		redis.call('HDEL', key, 'cred')
		redis.call('HINCRBY', key, 'revision', 1)
		redis.call('UNLINK', keys[1] .. ':od', keys[1] .. ':odb', keys[1] .. ':lg')
		account_journal(keys[1], {'a', tonumber(args[1]), 'deleted', 'kept'})
	end
	return {'ok'}
end

-- A bounded part of a hash of threads, with the members of each.
local function erase_threads(tag, suffix, limit)
	local found = redis.call('HSCAN', tag .. ':' .. suffix, '0', 'COUNT', limit)[2]
	for i = 1, #found, 2 do
		redis.call('UNLINK', tag .. ':tm:' .. found[i])
		redis.call('HDEL', tag .. ':' .. suffix, found[i])
	end
	return redis.call('HLEN', tag .. ':' .. suffix)
end

local function erase_places(tag, limit)
	local found = redis.call('HSCAN', tag .. ':p', '0', 'COUNT', limit)[2]
	for i = 1, #found, 2 do
		for _, place in ipairs(list_of(cmsgpack.unpack(found[i + 1])[1])) do
			redis.call('UNLINK', string.format('%s:u:%d:%d', tag, place[1], math.floor(place[3] / 64)))
		end
		redis.call('HDEL', tag .. ':p', found[i])
	end
	return redis.call('HLEN', tag .. ':p')
end

local ACCOUNT_KEYS = {'st', 'sth', 'lease', 'box', 'l', 'p', 'aside', 'm', 'i', 'al', 't', 'tu', 'rh', 'dead', 'v:all',
	'v:inbox', 'v:sent', 'v:archive', 'j', 'n', 'o', 'os', 'ob', 'tk', 'od', 'odb', 'ol', 'pace', 'cov', 'cmd', 'bf', 'lg',
	'cn', 'by', 'sus', 'aud', 'eid'}

local ERASED_KEEP_S = 7 * 86400

local function account_erase(keys, args)
	local tag, key, limit = keys[1], keys[1] .. ':acct', args[2]
	if redis.call('HEXISTS', key, 'gen') == 0 then
		return {'ok', '0', 0}
	end
	if redis.call('HGET', key, 'erased') ~= '1' then
		redis.call('HINCRBY', key, 'gen', 1)
		redis.call('HSET', key, 'erased', '1')
		redis.call('HDEL', key, 'key', 'cred')
	end
	local left = erase_threads(tag, 't', limit) + erase_threads(tag, 'al', limit) + erase_places(tag, limit)
	if left == 0 then
		for _, suffix in ipairs(ACCOUNT_KEYS) do
			redis.call('UNLINK', tag .. ':' .. suffix)
		end
		local fields = redis.call('HKEYS', key)
		for _, field in ipairs(fields) do
			if field ~= 'gen' and field ~= 'erased' then
				redis.call('HDEL', key, field)
			end
		end
		redis.call('EXPIRE', key, ERASED_KEEP_S)
	end
	return {'ok', redis.call('HGET', key, 'gen'), left}
end

local function account_sweep(keys, args)
	local tag = keys[1]
	if redis.call('HGET', tag .. ':acct', 'erased') ~= '1' then
		return 0
	end
	for i = 1, #args do
		if args[i]:sub(1, #tag + 1) == tag .. ':' and args[i] ~= tag .. ':acct' then
			redis.call('UNLINK', args[i])
		end
	end
	return 1
end

local function outbox_add(keys, args)
	local tag, due, added = keys[1], keys[1] .. (args[5] == '1' and ':odb' or ':od'), 0
	if redis.call('HGET', tag .. ':acct', 'gen') ~= args[1] then
		return {'gone'}
	end
	for i = 6, #args, 2 do
		if redis.call('HSETNX', tag .. ':o', args[i], args[i + 1]) == 1 then
			redis.call('ZADD', due, args[3], args[i])
			redis.call('ZADD', tag .. ':ol', args[2], args[i])
			account_journal(tag, {'o', tonumber(args[2]), args[i], args[4]})
			added = added + 1
		end
	end
	return {'ok', added}
end

local CANCELLABLE = {scheduled = true, queued = true, delayed = true, sending = true}

local function outbox_cancel(keys, args)
	local tag, submission = keys[1], args[3]
	if redis.call('HGET', tag .. ':acct', 'gen') ~= args[1] then
		return {'gone'}
	end
	if redis.call('HEXISTS', tag .. ':o', submission) == 0 then
		return {'absent'}
	end
	local state = decode_object(redis.call('HGET', tag .. ':os', submission))
	local status = state.status or 'queued'
	if status == 'cancelled' then
		return {'ok'}
	end
	if not CANCELLABLE[status] or state.handedOver or state.filed then -- filed: some have it already
		return {'late', status}
	end
	state.status, state.nextAttemptAt, state.waits = 'cancelled', nil, nil
	redis.call('HSET', tag .. ':os', submission, cjson.encode(state))
	redis.call('ZREM', tag .. ':od', submission)
	redis.call('ZREM', tag .. ':odb', submission)
	account_journal(tag, {'o', tonumber(args[2]), submission, 'cancelled'})
	return {'ok'}
end

redis.register_function('gateway_1_account_put', account_put)
redis.register_function('gateway_1_account_kept', account_kept)
redis.register_function('gateway_1_account_erase', account_erase)
redis.register_function('gateway_1_account_sweep', account_sweep)
redis.register_function('gateway_1_outbox_add', outbox_add)
redis.register_function('gateway_1_outbox_cancel', outbox_cancel)
