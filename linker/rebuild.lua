-- rebuild.lua: reading an account slot whole, the marks of a rebuild, and the trimming of the journal.
--
-- linker_1_rebuild_begin key {c:<company>}   arguments: account... -> `ok`
--   marks the accounts (applied = `rebuild`): linker_1_apply answers `busy` for them; drops `tr`. The caller drops the
--   timelines, places every thread (linker_1_snapshot, linker_1_place), mends the events, and ends each account.
-- linker_1_rebuild_end   key {c:<company>}   arguments: account, n -> `ok`: applied = n
-- linker_1_snapshot      key {a:<company>/<account>}   arguments: cursor (first `0`)
--   -> [next cursor, packed S...] of a bounded part of the threads
-- linker_1_trim          key {a:<company>/<account>}   arguments: applied n, before_ms
--   -> entries removed from the journal: at most 512 that are older than before_ms and were applied

local TRIM_STEP = 512

local function rebuild_begin(keys, args)
	for _, account_id in ipairs(args) do
		redis.call('HSET', keys[1] .. ':applied', account_id, 'rebuild')
	end
	redis.call('UNLINK', keys[1] .. ':tr')
	return redis.status_reply('ok')
end

local function rebuild_end(keys, args)
	redis.call('HSET', keys[1] .. ':applied', args[1], args[2])
	return redis.status_reply('ok')
end

local function snapshot(keys, args)
	local tag = keys[1]
	local owner = redis.call('HGET', tag .. ':acct', 'user') or ''
	local found = redis.call('HSCAN', tag .. ':t', args[1], 'COUNT', 64)
	local answer, ids = {found[1]}, {}
	for i = 1, #found[2], 2 do
		ids[#ids + 1] = found[2][i]
	end
	local users = hash_get(tag .. ':tu', ids)
	for i = 1, #found[2], 2 do
		local t = thread_unpack(found[2][i], found[2][i + 1], users[found[2][i]])
		answer[#answer + 1] = cmsgpack.pack(thread_summary(t, owner))
	end
	return answer
end

local function trim(keys, args)
	local tag, applied, before = keys[1], tonumber(args[1]), tonumber(args[2])
	local function old(entry)
		return tonumber(entry[1]:match('^%d+')) <= applied and cmsgpack.unpack(entry[2][2])[2] < before
	end
	local first = redis.call('XRANGE', tag .. ':j', '-', '+', 'COUNT', 1)
	if not first[1] or not old(first[1]) then
		return 0
	end
	local entries, count = redis.call('XRANGE', tag .. ':j', '-', '+', 'COUNT', TRIM_STEP), 0
	while entries[count + 1] and old(entries[count + 1]) do
		count = count + 1
	end
	local next_n = tonumber(entries[count][1]:match('^%d+')) + 1
	redis.call('XTRIM', tag .. ':j', 'MINID', string.format('%.0f-0', next_n))
	return count
end

redis.register_function('linker_1_rebuild_begin', rebuild_begin)
redis.register_function('linker_1_rebuild_end', rebuild_end)
redis.register_function{function_name = 'linker_1_snapshot', callback = snapshot, flags = {'no-writes'}}
redis.register_function('linker_1_trim', trim)
