-- thread_state: what counts for a thread, and what follows from it (docs/data-model.md, "What counts").
-- A fragment of the libraries that change threads: only local functions; comes after hash.lua and journal.lua, before its users.
--
-- In Lua a thread is one table: id, the named elements of its `t` record, and user, the map of its `tu` entry.
-- link: {kind, id, by, at_ms, n}, kind '' for a manual unlink. person: {id, by, n}, id '' when taken off by hand.

local THREAD_PEOPLE_MAX = 128

local function thread_pack(t)
	return '\159' .. cmsgpack.pack(1, t.first_n, t.last_ms, t.count, t.bits, t.subject, t.sharing, t.sharing_n,
		t.link, t.skipped, t.person, t.people, t.last_id, t.inbox_n, t.sent_ms)
end

local function thread_unpack(id, packed, user)
	local v = cmsgpack.unpack(packed)
	return {id = id, first_n = v[2], last_ms = v[3], count = v[4], bits = v[5], subject = v[6], sharing = v[7],
		sharing_n = v[8], link = v[9], skipped = v[10], person = v[11], people = v[12], last_id = v[13],
		inbox_n = v[14], sent_ms = v[15] or 0, user = user and cmsgpack.unpack(user) or {}}
end

-- An absorbed thread's survivor; any other id as it is.
local function thread_resolve(tag, id)
	for _ = 1, 10000 do
		local next_id = redis.call('HGET', tag .. ':al', id)
		if not next_id then
			break
		end
		id = next_id
	end
	return id
end

-- The thread, or nil.
local function thread_load(tag, id)
	local root = thread_resolve(tag, id)
	local packed = redis.call('HGET', tag .. ':t', root)
	return packed and thread_unpack(root, packed, redis.call('HGET', tag .. ':tu', root))
end

local function thread_sharing(t)
	local by_user = t.user.sh
	return by_user and by_user[2] > t.sharing_n and by_user[1] or t.sharing
end

-- nil: nothing was decided. kind '': unlinked by hand.
local function thread_link(t)
	local own, by_user = t.link, t.user.lk
	if by_user and not (own and own[3] == 'm' and own[5] >= by_user[4]) then
		return {by_user[1], by_user[2], 'm', by_user[3], by_user[4]}
	end
	return own
end

local function thread_person(t)
	local own, by_user = t.person, t.user.pe
	if by_user and not (own and own[2] == 'm' and own[3] >= by_user[2]) then
		return {by_user[1], 'm', by_user[2]}
	end
	return own
end

local function thread_archived(t)
	local by_user = t.user.ar
	if by_user and by_user[2] > t.inbox_n then
		return by_user[1] == 1
	end
	return bit.band(t.bits, 4) ~= 0
end

local function thread_in_inbox(t)
	return bit.band(t.bits, 1) ~= 0 and not thread_archived(t)
end

-- Which of the four views a thread is on.
local THREAD_VIEWS = {'all', 'inbox', 'sent', 'archive'}
local function thread_views(t)
	return {all = true, inbox = thread_in_inbox(t), sent = bit.band(t.bits, 2) ~= 0, archive = thread_archived(t)}
end

-- Puts the thread on its views and takes it off those of `before` (thread_views of an earlier state, or nil) that it left.
local function thread_show(tag, t, before)
	local now = thread_views(t)
	for _, view in ipairs(THREAD_VIEWS) do
		if now[view] then
			redis.call('ZADD', tag .. ':v:' .. view, string.format('%.0f', t.last_ms), t.id)
		elseif before and before[view] then
			redis.call('ZREM', tag .. ':v:' .. view, t.id)
		end
	end
end

local function thread_hide(tag, id)
	for _, view in ipairs(THREAD_VIEWS) do
		redis.call('ZREM', tag .. ':v:' .. view, id)
	end
end

local function people_add(people, more)
	local known = {}
	for _, person in ipairs(people) do
		known[person] = true
	end
	for _, person in ipairs(more) do
		if not known[person] and #people < THREAD_PEOPLE_MAX then
			known[person] = true
			people[#people + 1] = person
		end
	end
end

-- S: all that the company slot needs to place the thread.
local function thread_summary(t, owner)
	local link, person = thread_link(t), thread_person(t)
	local people = {}
	people_add(people, t.people)
	if person and person[1] ~= '' then
		people_add(people, {person[1]})
	end
	return {t.id, owner, thread_sharing(t) == 's' and 1 or 0, t.last_ms, link and link[1] or '', link and link[2] or '',
		people}
end

-- Threads whose tm:<thread> holds members of this one: itself, and absorbed ones whose members were not moved yet.
-- A thread of one message has no tm: its member is last_id.
local function thread_parts(tag, id)
	local parts = {id}
	local moving = redis.call('HGETALL', tag .. ':rh')
	for i = 1, #moving, 2 do
		if moving[i + 1] ~= '' and thread_resolve(tag, moving[i + 1]) == id then
			parts[#parts + 1] = moving[i]
		end
	end
	return parts
end

-- What the provider is told (SYN-06 to SYN-08): entries of `cmd`, which the fetcher carries out in order. They are written in
-- the call that changes the account, so neither is there without the other. fields: (name, value)... beside the ids.
local PROVIDER_IDS = 64 -- of one entry
local PROVIDER_WAITING_MAX = 5000 -- of an account that nobody reads for long; what comes then is done here alone
local function provider_tell(tag, fields, ids)
	local room = PROVIDER_WAITING_MAX - redis.call('XLEN', tag .. ':cmd')
	for from = 1, #ids, PROVIDER_IDS do
		local entry = {unpack(fields)}
		entry[#entry + 1] = 'ids'
		entry[#entry + 1] = table.concat(ids, '', from, math.min(from + PROVIDER_IDS - 1, #ids))
		if room > 0 then
			redis.call('XADD', tag .. ':cmd', '*', unpack(entry))
			room = room - 1
		end
	end
end

-- Is anybody to be told, and does the account's setting (archiveInProvider, deleteInProvider) say so?
local function provider_wanted(tag, setting)
	local account = redis.call('HMGET', tag .. ':acct', 'removed', 'erased', 'config')
	if account[1] == '1' or account[2] == '1' or not account[3] then
		return false
	end
	local good, config = pcall(cjson.decode, account[3])
	return good and type(config) == 'table' and (not setting or config[setting] == true)
end

-- Removes messages for good: tombstones in place of records.
local function messages_bury(tag, root, ids, n)
	local tombs, homes = {}, {}
	if #ids > 0 and provider_wanted(tag, 'deleteInProvider') then
		provider_tell(tag, {'kind', 'move', 'role', 'trash'}, ids)
	end
	for id, packed in pairs(hash_get(tag .. ':m', ids)) do
		local home = cmsgpack.unpack(packed)[2]
		if home ~= root then
			homes[#homes + 1] = home
		end
	end
	for _, id in ipairs(ids) do
		tombs[#tombs + 1] = id
		tombs[#tombs + 1] = string.format('%.0f', n)
	end
	call_many('HSET', tag .. ':dead', tombs, 2)
	call_many('HDEL', tag .. ':m', ids)
	call_many('HDEL', tag .. ':tu', homes)
end

-- One bounded step of removing the members of a deleted part (marked in rh by an empty survivor). The ids; left.
-- shared: 1 if the thread is known to have been; what is not known counts as private.
local function thread_drop(tag, now, user, part, limit, shared)
	local key = tag .. ':tm:' .. part
	local ids = redis.call('ZRANGE', key, 0, limit - 1)
	if #ids > 0 then
		local n = journal_add(tag, cmsgpack.pack({'d', now, part, ids, {}, user, shared or 0}))
		messages_bury(tag, part, ids, n)
		call_many('ZREM', key, ids)
	end
	local left = redis.call('ZCARD', key)
	if left == 0 then
		redis.call('HDEL', tag .. ':rh', part)
	end
	return ids, left
end
