-- apply.lua: the account's journal, applied to the company slot in order.
--
-- linker_1_apply   key {c:<company>}   arguments: account, account number, n of the first entry, forgotten 0|1, packed entry...
--   -> `ok`, last n applied ; `stale`, last n applied: the first entry does not follow (read the journal from there) ;
--     `busy`, 0: the account is being rebuilt ; `forget`, last n applied: next is the end of an account with its mail
--     (`a` `deleted`, unless its code is `kept`): call linker_1_forget until it is done, then again with forgotten 1
--   Entries that were applied before are passed over. At most 64 entries a call.
-- linker_1_forget  key {c:<company>}   arguments: account number, cursor (first `0`)
--   -> next cursor, `0` when done: takes a bounded part of the account's threads off all timelines
-- linker_1_place   key {c:<company>}   arguments: account number, packed S... -> `ok`
-- linker_1_announce key {c:<company>}  arguments: account number, first n, count -> `ok`: appends their events
--
-- timelines: tl:<d|l|p|c>:<id> shared, tl:...:<owner> private; member u32 account number || thread, score last_ms.
-- ev: `m` || u32 account number || u48 n.

local EVENT_DAYS_MS = 7 * 86400 * 1000

local function timelines_of(s)
	local tail, list = s[3] == 1 and '' or ':' .. s[2], {}
	if s[5] ~= '' then
		list[1] = s[5] .. ':' .. s[6] .. tail
	end
	for _, person in ipairs(s[7]) do
		list[#list + 1] = 'c:' .. person .. tail
	end
	return list
end

local function place(tag, number, thread, timelines, last_ms)
	local member = struct.pack('>I4', number) .. thread
	local packed = redis.call('HGET', tag .. ':tr', member)
	local on = {}
	for _, suffix in ipairs(timelines) do
		on[suffix] = true
		redis.call('ZADD', tag .. ':tl:' .. suffix, string.format('%.0f', last_ms), member)
	end
	for _, suffix in ipairs(packed and cmsgpack.unpack(packed) or {}) do
		if not on[suffix] then
			redis.call('ZREM', tag .. ':tl:' .. suffix, member)
		end
	end
	if #timelines > 0 then
		local wanted = cmsgpack.pack(timelines)
		if wanted ~= packed then
			redis.call('HSET', tag .. ':tr', member, wanted)
		end
	elseif packed then
		redis.call('HDEL', tag .. ':tr', member)
	end
end

local function place_summary(tag, number, thread, s)
	if #s == 0 then
		place(tag, number, thread, {}, 0)
	else
		place(tag, number, s[1], timelines_of(s), s[4])
	end
end

local APPLY = {
	m = function(tag, number, e, account)
		local back = e[8]
		place_summary(tag, number, e[4], e[6])
		if back and #back > 0 and back[2] ~= '' then
			suppress(tag, account, e[2], back[1], back[2], back[4])
		end
	end,
	o = function(tag, _, e, account)
		suppress(tag, account, e[2], 'bounced', e[3], e[6] or {})
	end,
	h = function(tag, _, e, account)
		if e[5] == 'unsubscribed' and e[7] ~= '' then
			suppress(tag, account, e[2], 'unsubscribed', e[3], {{e[7], ''}})
		end
	end,
	g = function(tag, number, e)
		place(tag, number, e[4], {}, 0)
		place_summary(tag, number, e[3], e[5])
	end,
	u = function(tag, number, e)
		place_summary(tag, number, e[3], e[5])
	end,
	d = function(tag, number, e)
		place_summary(tag, number, e[3], e[5])
	end,
}

local function announce(tag, number, n)
	local high = math.floor(n / 4294967296)
	redis.call('XADD', tag .. ':ev', '*', 'e', 'm' .. struct.pack('>I4I2I4', number, high, n - high * 4294967296))
end

local function trim_events(tag)
	local oldest = tonumber(redis.call('TIME')[1]) * 1000 - EVENT_DAYS_MS
	redis.call('XTRIM', tag .. ':ev', 'MINID', '~', string.format('%.0f', oldest))
end

local function apply(keys, args)
	local tag, account, number = keys[1], args[1], tonumber(args[2])
	local first, forgotten = tonumber(args[3]), args[4] == '1'
	local applied = redis.call('HGET', tag .. ':applied', account) or '0'
	local last = tonumber(applied)
	if not last then
		return {'busy', 0}
	elseif first > last + 1 then
		return {'stale', last}
	end
	local status, start = 'ok', last
	for i = 5, #args do
		local n = first + i - 5
		if n == last + 1 then
			local e = cmsgpack.unpack(args[i])
			if e[1] == 'a' and e[3] == 'deleted' and e[4] ~= 'kept' and not forgotten then
				status = 'forget'
				break
			end
			if APPLY[e[1]] then
				APPLY[e[1]](tag, number, e, account)
			end
			announce(tag, number, n)
			last, forgotten = n, false
		end
	end
	if last > start then
		redis.call('HSET', tag .. ':applied', account, string.format('%.0f', last))
		trim_events(tag)
	end
	return {status, last}
end

local function forget(keys, args)
	local tag, number = keys[1], tonumber(args[1])
	local prefix = struct.pack('>I4', number)
	local found = redis.call('HSCAN', tag .. ':tr', args[2], 'COUNT', 200)
	for i = 1, #found[2], 2 do
		local member = found[2][i]
		if member:sub(1, 4) == prefix then
			place(tag, number, member:sub(5), {}, 0)
		end
	end
	return found[1]
end

local function place_all(keys, args)
	for i = 2, #args do
		local s = cmsgpack.unpack(args[i])
		place_summary(keys[1], tonumber(args[1]), s[1], s)
	end
	return redis.status_reply('ok')
end

local function announce_all(keys, args)
	local first, count = tonumber(args[2]), tonumber(args[3])
	for n = first, first + count - 1 do
		announce(keys[1], tonumber(args[1]), n)
	end
	return redis.status_reply('ok')
end

redis.register_function('linker_1_apply', apply)
redis.register_function('linker_1_forget', forget)
redis.register_function('linker_1_place', place_all)
redis.register_function('linker_1_announce', announce_all)
