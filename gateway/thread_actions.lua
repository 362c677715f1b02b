-- thread_actions.lua: what users do to threads, in the account slot. Part of the library gateway_1: needs its "#!lua"
-- line and common/store/thread_state.lua before it.
--
-- Every function: key {a:<company>/<account>}; first arguments generation, now_ms, user (who does it: for the journal).
-- The caller has checked that the user may. Answers: `gone` (another generation) ; `absent` (no such thread or message;
-- aliases of merged threads are resolved) ; `refused`, reason ; `ok`, ... n is the journal number, 0 if nothing changed.
--
-- gateway_1_thread_patch   ..., thread, then pairs: `sharing` `shared|private` ; `archived` `0|1` ; `read` `0|1`
--   -> `ok`, n of the last entry, the thread's own id
-- gateway_1_thread_delete  ..., thread, limit (1-256)
--   -> `ok`, n, members left, [ids removed now]: the thread is gone for all readers at the first call; while members are
--     left call again with the same thread (or leave it to the threader). Ids get tombstones.
-- gateway_1_message_delete ..., message -> `ok`, n, thread, messages left in it
-- gateway_1_link           ..., thread, kind `d|l|p`, item id -> `ok`, n, kind and id of the link before (or ``)
-- gateway_1_unlink         ..., thread -> `ok`, n, kind and id of the link before (or ``)
-- gateway_1_relink         ..., thread, kind `d|l|p` or ``, item id, person of record or ``, person... (at most 128)
--   -> `ok`, n of the last entry. As the commit decides: what is linked or was unlinked by hand stays so; people are added
-- gateway_1_person         ..., thread, person id (`` takes it off) -> `ok`, n
-- Twice is safe: what is as asked already changes nothing (`read` is written again).

local ACTION_STEP = 256
local PROVIDER_NEWEST = 1024 -- messages of a thread that the provider is told of

local function action_open(keys, args)
	local tag = keys[1]
	if redis.call('HGET', tag .. ':acct', 'gen') ~= args[1] then
		return nil, {'gone'}
	end
	return {tag = tag, now = tonumber(args[2]), user = args[3], owner = redis.call('HGET', tag .. ':acct', 'user') or ''}
end

-- The action and its thread, or an answer to give at once.
local function action_thread(keys, args)
	local a, answer = action_open(keys, args)
	if not a then
		return nil, nil, answer
	end
	local t = thread_load(a.tag, args[4])
	if not t then
		return nil, nil, {'absent'}
	end
	return a, t
end

local function action_next(a)
	return tonumber(redis.call('HGET', a.tag .. ':n', 'j') or '0') + 1
end

local function action_write(a, t, what, before)
	redis.call('HSET', a.tag .. ':tu', t.id, cmsgpack.pack(t.user))
	thread_show(a.tag, t, before)
	return journal_add(a.tag, cmsgpack.pack({'u', a.now, t.id, what, thread_summary(t, a.owner), a.user}))
end

-- The newest messages of the thread.
local function thread_newest(a, t, limit)
	if t.count == 1 or limit == 1 then
		return {t.last_id}
	end
	local ids = {}
	for _, part in ipairs(thread_parts(a.tag, t.id)) do
		if #ids < limit then
			for _, id in ipairs(redis.call('ZREVRANGE', a.tag .. ':tm:' .. part, 0, limit - #ids - 1)) do
				ids[#ids + 1] = id
			end
		end
	end
	return ids
end

-- Archived here: out of the inbox there; and back.
local function archive_tell(a, t, archived)
	if provider_wanted(a.tag, 'archiveInProvider') then
		provider_tell(a.tag, {'kind', 'move', 'role', archived and 'archive' or 'inbox'}, thread_newest(a, t, PROVIDER_NEWEST))
	end
end

-- A thread is unread by its newest message, and read by all of them.
local function read_tell(a, t, read)
	if provider_wanted(a.tag) then
		provider_tell(a.tag, {'kind', 'store', 'keyword', '$seen', 'value', read and '1' or '0'},
			thread_newest(a, t, read and PROVIDER_NEWEST or 1))
	end
end

local PATCH = {
	sharing = function(a, t, value)
		local wanted = value:sub(1, 1)
		if thread_sharing(t) ~= wanted then
			t.user.sh = {wanted, action_next(a)}
			return wanted == 's' and 'shared' or 'unshared'
		end
	end,
	archived = function(a, t, value)
		if thread_archived(t) ~= (value == '1') then
			t.user.ar = {tonumber(value), action_next(a)}
			archive_tell(a, t, value == '1')
			return value == '1' and 'archived' or 'unarchived'
		end
	end,
	read = function(a, t, value)
		t.user.rd = {tonumber(value), action_next(a)}
		read_tell(a, t, value == '1')
		return value == '1' and 'read' or 'unread'
	end,
}
local PATCH_VALUES = {sharing = {shared = true, private = true}, archived = {['0'] = true, ['1'] = true},
	read = {['0'] = true, ['1'] = true}}

local function thread_patch(keys, args)
	for i = 5, #args, 2 do
		if not (PATCH_VALUES[args[i]] and PATCH_VALUES[args[i]][args[i + 1]]) then
			return {'refused', 'bad_value'}
		end
	end
	local a, t, answer = action_thread(keys, args)
	if not a then
		return answer
	end
	local n = 0
	for i = 5, #args, 2 do
		local before = thread_views(t)
		local what = PATCH[args[i]](a, t, args[i + 1])
		n = what and action_write(a, t, what, before) or n
	end
	return {'ok', n, t.id}
end

-- Takes the thread from all readers; its members, if it has a tm, stay marked for removal.
local function thread_remove(a, t)
	for _, part in ipairs(thread_parts(a.tag, t.id)) do
		if redis.call('EXISTS', a.tag .. ':tm:' .. part) == 1 then
			redis.call('HSET', a.tag .. ':rh', part, '')
		else
			redis.call('HDEL', a.tag .. ':rh', part)
		end
	end
	redis.call('HDEL', a.tag .. ':t', t.id)
	redis.call('HDEL', a.tag .. ':tu', t.id)
	thread_hide(a.tag, t.id)
end

local function shared_bit(t)
	return thread_sharing(t) == 's' and 1 or 0
end

local function remove_single(a, t)
	local n = journal_add(a.tag, cmsgpack.pack({'d', a.now, t.id, {t.last_id}, {}, a.user, shared_bit(t)}))
	messages_bury(a.tag, t.id, {t.last_id}, n)
	thread_remove(a, t)
	return n
end

-- The parts of a thread whose removal has begun: itself, and absorbed ones that led to it.
local function removing_parts(tag, id)
	local parts, moving = {}, redis.call('HGETALL', tag .. ':rh')
	for i = 1, #moving, 2 do
		if moving[i + 1] == '' and thread_resolve(tag, moving[i]) == id then
			parts[#parts + 1] = moving[i]
		end
	end
	return parts
end

local function thread_delete(keys, args)
	local a, answer = action_open(keys, args)
	if not a then
		return answer
	end
	local limit = math.max(1, math.min(tonumber(args[5]) or ACTION_STEP, ACTION_STEP))
	local t = thread_load(a.tag, args[4])
	local root = t and t.id or thread_resolve(a.tag, args[4])
	if t and t.count == 1 then
		return {'ok', remove_single(a, t), 0, {t.last_id}}
	elseif t then
		thread_remove(a, t)
	end
	local parts, ids, left = removing_parts(a.tag, root), {}, 0
	if #parts == 0 then
		return {'absent'}
	end
	for _, part in ipairs(parts) do
		if #ids < limit then
			local removed, more = thread_drop(a.tag, a.now, a.user, part, limit - #ids, t and shared_bit(t) or 0)
			for _, id in ipairs(removed) do
				ids[#ids + 1] = id
			end
			left = left + more
		else
			left = left + redis.call('ZCARD', a.tag .. ':tm:' .. part)
		end
	end
	return {'ok', tonumber(redis.call('HGET', a.tag .. ':n', 'j')), left, ids}
end

-- The newest member over all parts. Up to 256 members are looked at for the bits.
local function thread_recount(a, t, parts)
	local bits, seen = 0, 0
	t.last_ms, t.last_id = -1, ''
	for _, part in ipairs(parts) do
		local members = redis.call('ZREVRANGE', a.tag .. ':tm:' .. part, 0, ACTION_STEP - 1, 'WITHSCORES')
		local ids = {}
		for i = 1, #members, 2 do
			local ms = tonumber(members[i + 1])
			if ms > t.last_ms or (ms == t.last_ms and members[i] > t.last_id) then
				t.last_ms, t.last_id = ms, members[i]
			end
			ids[#ids + 1] = members[i]
		end
		for _, packed in pairs(hash_get(a.tag .. ':m', ids)) do
			bits = bit.bor(bits, bit.band(cmsgpack.unpack(packed)[8], 1) == 1 and 2 or 1)
			seen = seen + 1
		end
	end
	if seen == t.count then
		t.bits = bit.bor(bit.band(t.bits, 4), bit.band(t.bits, bits))
	end
end

local function message_delete(keys, args)
	local a, answer = action_open(keys, args)
	if not a then
		return answer
	end
	local packed = redis.call('HGET', a.tag .. ':m', args[4])
	local t = packed and thread_load(a.tag, cmsgpack.unpack(packed)[2])
	if not t then
		return {'absent'}
	end
	if t.count == 1 then
		return {'ok', remove_single(a, t), t.id, 0}
	end
	local before, parts = thread_views(t), thread_parts(a.tag, t.id)
	messages_bury(a.tag, t.id, {args[4]}, action_next(a))
	for _, part in ipairs(parts) do
		redis.call('ZREM', a.tag .. ':tm:' .. part, args[4])
	end
	t.count = t.count - 1
	thread_recount(a, t, parts)
	if t.count == 1 then
		for _, part in ipairs(parts) do
			redis.call('DEL', a.tag .. ':tm:' .. part)
			redis.call('HDEL', a.tag .. ':rh', part)
		end
	end
	redis.call('HSET', a.tag .. ':t', t.id, thread_pack(t))
	thread_show(a.tag, t, before)
	local n = journal_add(a.tag, cmsgpack.pack({'d', a.now, t.id, {args[4]}, thread_summary(t, a.owner), a.user, shared_bit(t)}))
	return {'ok', n, t.id, t.count}
end

local function link_set(keys, args, kind, item)
	local a, t, answer = action_thread(keys, args)
	if not a then
		return answer
	end
	local before = thread_link(t) or {'', '', 'a'}
	if before[1] == kind and before[2] == item and before[3] == 'm' then
		return {'ok', 0, kind, item}
	end
	t.user.lk = {kind, item, a.now, action_next(a)}
	return {'ok', action_write(a, t, kind == '' and 'unlinked' or 'linked', thread_views(t)), before[1], before[2]}
end

local function link(keys, args)
	if not (args[5] == 'd' or args[5] == 'l' or args[5] == 'p') or (args[6] or '') == '' then
		return {'refused', 'bad_value'}
	end
	return link_set(keys, args, args[5], args[6])
end

local function unlink(keys, args)
	return link_set(keys, args, '', '')
end

local function person_set(keys, args)
	local a, t, answer = action_thread(keys, args)
	if not a then
		return answer
	end
	local before = thread_person(t)
	if before and before[1] == args[5] and before[2] == 'm' then
		return {'ok', 0}
	end
	t.user.pe = {args[5], action_next(a)}
	return {'ok', action_write(a, t, 'person', thread_views(t))}
end

-- What the linker would have written had it decided now; the true answer: something changed.
local function relink_thread(a, t, kind, item, person, people)
	local before, n = #t.people, action_next(a)
	people_add(t.people, people)
	local changed = #t.people > before
	if person ~= '' and not thread_person(t) then
		t.person, changed = {person, 'a', n}, true
	end
	if kind ~= '' and not thread_link(t) then
		t.link, t.skipped = {kind, item, 'a', a.now, n}, nil
		return true, true
	end
	return changed, false
end

local function relink(keys, args)
	if not (args[5] == '' or args[5] == 'd' or args[5] == 'l' or args[5] == 'p') or #args > 7 + THREAD_PEOPLE_MAX then
		return {'refused', 'bad_value'}
	end
	local a, t, answer = action_thread(keys, args)
	if not a then
		return answer
	end
	local people = {}
	for i = 8, #args do
		people[#people + 1] = args[i]
	end
	local changed, linked = relink_thread(a, t, args[5], args[6], args[7], people)
	if not changed then
		return {'ok', 0}
	end
	redis.call('HSET', a.tag .. ':t', t.id, thread_pack(t))
	return {'ok', journal_add(a.tag, cmsgpack.pack({'u', a.now, t.id, linked and 'linked' or 'people',
		thread_summary(t, a.owner), a.user}))}
end

redis.register_function('gateway_1_thread_patch', thread_patch)
redis.register_function('gateway_1_thread_delete', thread_delete)
redis.register_function('gateway_1_message_delete', message_delete)
redis.register_function('gateway_1_link', link)
redis.register_function('gateway_1_unlink', unlink)
redis.register_function('gateway_1_relink', relink)
redis.register_function('gateway_1_person', person_set)
