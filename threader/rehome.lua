-- rehome.lua: moves the members of absorbed threads to the survivors, in bounded steps.
--
-- threader_1_rehome   key {a:<company>/<account>}   arguments: now_ms, limit (members, 1-256)
--   -> members moved or removed, absorbed threads left to do
--   Takes one entry of rh. A survivor: moves up to limit members from tm:<absorbed> to it. An empty survivor (a deleted
--   thread whose removal was not finished): gives up to limit members their tombstones. Removes the entry with the last.
-- Twice is safe; so are two threaders at once.

local function rehome(keys, args)
	local tag, limit = keys[1], math.max(1, math.min(tonumber(args[2]), 256))
	local entry = redis.call('HSCAN', tag .. ':rh', '0', 'COUNT', 1)[2]
	local absorbed, survivor = entry[1], entry[2]
	if not absorbed then
		return {0, 0}
	end
	local moved = 0
	if survivor == '' then
		moved = #thread_drop(tag, tonumber(args[1]), '', absorbed, limit)
	else
		local from, to = tag .. ':tm:' .. absorbed, tag .. ':tm:' .. thread_resolve(tag, survivor)
		local members, scored, ids = redis.call('ZRANGE', from, 0, limit - 1, 'WITHSCORES'), {}, {}
		for i = 1, #members, 2 do
			scored[#scored + 1], scored[#scored + 2] = members[i + 1], members[i]
			ids[#ids + 1] = members[i]
		end
		call_many('ZADD', to, scored, 2)
		call_many('ZREM', from, ids)
		moved = #ids
		if redis.call('EXISTS', from) == 0 then
			redis.call('HDEL', tag .. ':rh', absorbed)
		end
	end
	return {moved, redis.call('HLEN', tag .. ':rh')}
end

redis.register_function('threader_1_rehome', rehome)
