-- account_end.lua: an account's end in the company's slot. Part of gateway_1, behind gateway.lua.
--
-- Key {c:<company>}; twice is safe:
-- gateway_1_account_forget  account, number, cursor, limit -> next cursor (`0`: done)
-- gateway_1_account_traces  account, number, cursor, count -> next cursor, what a part of this slot still has of it
-- gateway_1_events_drop     number, id of an event (first `-`), count -> id to go on with or ``, events of the account taken off
-- gateway_1_account_drop    account, now -> 1 or 0; announces account.deleted

-- Takes the account's threads off all timelines. Whatever of its journal is still on its way comes too late: the next
-- number applied is out of reach.
local function account_forget(keys, args)
	local tag, number = keys[1], struct.pack('>I4', tonumber(args[2]))
	redis.call('HSET', tag .. ':applied', args[1], '9007199254740991')
	local scan = redis.call('HSCAN', tag .. ':tr', args[3], 'COUNT', args[4])
	for i = 1, #scan[2], 2 do
		if scan[2][i]:sub(1, 4) == number then
			timelines_drop(tag, scan[2][i], scan[2][i + 1])
		end
	end
	return scan[1]
end

local function account_traces(keys, args)
	local tag, number = keys[1], struct.pack('>I4', tonumber(args[2]))
	local scan = redis.call('HSCAN', tag .. ':tr', args[3], 'COUNT', args[4])
	local traces = 0
	for i = 1, #scan[2], 2 do
		traces = traces + (scan[2][i]:sub(1, 4) == number and 1 or 0)
	end
	if args[3] == '0' then
		traces = traces + redis.call('HEXISTS', tag .. ':acct', args[1]) + redis.call('HEXISTS', tag .. ':applied', args[1])
	end
	return {scan[1], traces}
end

local function events_drop(keys, args)
	local key, mark = keys[1] .. ':ev', 'm' .. struct.pack('>I4', tonumber(args[1]))
	local from = args[2] == '-' and '-' or '(' .. args[2]
	local found, ids = redis.call('XRANGE', key, from, '+', 'COUNT', args[3]), {}
	for _, entry in ipairs(found) do
		if entry[2][2]:sub(1, 5) == mark then
			ids[#ids + 1] = entry[1]
		end
	end
	if #ids > 0 then
		redis.call('XDEL', key, unpack(ids))
	end
	return {#found == tonumber(args[3]) and found[#found][1] or '', #ids}
end

local function account_drop(keys, args)
	local tag = keys[1]
	if redis.call('HDEL', tag .. ':acct', args[1]) == 0 then
		return 0
	end
	redis.call('HDEL', tag .. ':applied', args[1])
	redis.call('XADD', tag .. ':ev', 'MINID', '~', string.format('%.0f', tonumber(args[2]) - EVENT_KEEP_MS), '*', 'e',
		'c' .. cmsgpack.pack({'account.deleted', tonumber(args[2]), cjson.encode({accountId = args[1]})}))
	return 1
end

redis.register_function('gateway_1_account_forget', account_forget)
redis.register_function('gateway_1_account_traces', account_traces)
redis.register_function('gateway_1_events_drop', events_drop)
redis.register_function('gateway_1_account_drop', account_drop)
