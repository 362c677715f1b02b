#!lua name=gateway_1
-- gateway.lua: what the gateway changes in a company's slot (docs/data-model.md). The library begins
-- with hash.lua and journal.lua of common/store and goes on in account.lua, common/store/thread_state.lua and the other files of this folder.
--
-- Company functions, key {c:<company>} ({g} for auth of the root token):
-- gateway_1_auth            token id, user id or ``, 1 if the plan is wanted -> [record or ``, JSON of the token's or that user or ``, JSON of the plan or ``]
-- gateway_1_person_put      id, JSON, packed normalized addresses, ... -> for each `` or why it was refused
-- gateway_1_person_delete   id -> 1 or 0
-- gateway_1_org_put         id, JSON, ... -> for each `` ; gateway_1_org_delete id -> 1 or 0
-- gateway_1_item_put        now, then `d|l|p:id`, JSON, open 0|1, created ms or ``, packed person ids, ... -> for each ``
--                           (without a time the first put's counts; it is kept as the member `_created`)
-- gateway_1_item_delete     `d|l|p:id` -> 1 or 0
-- gateway_1_user_put        id, JSON, packed normalized addresses, ... -> for each `` or `address_taken <address>`
-- gateway_1_user_delete     id -> 1, 0, or `accounts` if the user still has some. The user's tokens, webhooks and places in teams go too.
-- gateway_1_preferences_put id, JSON of the preferences, audit JSON or `` -> 1 or 0
-- gateway_1_settings_put    JSON before (`` none), JSON after, audit JSON or `` -> `ok` or `stale`
-- gateway_1_company_erase   limit -> what is left (0: nothing)
-- gateway_1_account_number  account -> its number, an old one or the next
-- gateway_1_account_add     account, number, user, email, removed 0|1, member... -> `ok`; members are users that there are
-- gateway_1_announce        now, name, JSON of the data -> 1: an event that is no account's
-- Twice is safe for all of them.

local AUDIT_MAX = 10000
local EVENT_KEEP_MS = 7 * 86400 * 1000

local function decode_object(text)
	local ok, value = pcall(cjson.decode, text or '')
	return ok and type(value) == 'table' and value or {}
end

local function list_of(value)
	return type(value) == 'table' and value or {}
end

local function unpack_list(packed)
	return packed and packed ~= '' and cmsgpack.unpack(packed) or {}
end

-- The records of many ids at once: id -> JSON or false.
local function records(key, args, step)
	local found = {}
	if #args == 0 then
		return found
	end
	local ids = {}
	for i = 1, #args, step do
		ids[#ids + 1] = args[i]
	end
	local values = redis.call('HMGET', key, unpack(ids))
	for i, id in ipairs(ids) do
		found[id] = values[i]
	end
	return found
end

-- Many fields of such an index at once: at fields[k] the entry values[k] comes or, with gone[k], goes.
-- -> fields that have several entries now and had not, fields that had and have not
local function index_change(key, fields, values, gone)
	local found, lists, counts, set, empty = hash_get(key, fields), {}, {}, {}, {}
	local several, few = {}, {}
	for k, field in ipairs(fields) do
		local list, at = lists[field] or unpack_list(found[field]), nil
		counts[field] = counts[field] or #list
		for i, entry in ipairs(list) do
			at = entry == values[k] and i or at
		end
		if gone[k] and at then
			table.remove(list, at)
		elseif not gone[k] and not at then
			list[#list + 1] = values[k]
		end
		lists[field] = list
	end
	for field, list in pairs(lists) do
		if #list == 0 then
			empty[#empty + 1] = field
		else
			set[#set + 1] = field
			set[#set + 1] = cmsgpack.pack(list)
		end
		if #list > 1 and counts[field] < 2 then
			several[#several + 1] = field
		elseif #list < 2 and counts[field] > 1 then
			few[#few + 1] = field
		end
	end
	call_many('HSET', key, set, 2)
	call_many('HDEL', key, empty)
	return several, few
end

-- Takes entries out for which same(entry) holds.
local function index_remove(key, field, same)
	local packed = redis.call('HGET', key, field)
	local kept, before = {}, unpack_list(packed)
	for _, entry in ipairs(before) do
		if not same(entry) then
			kept[#kept + 1] = entry
		end
	end
	if #kept == 0 then
		redis.call('HDEL', key, field)
	elseif #kept < #before then
		redis.call('HSET', key, field, cmsgpack.pack(kept))
	end
end

local function set_of(list)
	local set = {}
	for _, entry in ipairs(list) do
		set[entry] = true
	end
	return set
end

local function auth(keys, args)
	local record = redis.call('HGET', keys[1] .. ':tok', args[1])
	if not record then
		return {'', '', ''}
	end
	local user = cmsgpack.unpack(record)[4]
	if user == '' then
		user = args[2]
	end
	return {record, user ~= '' and redis.call('HGET', keys[1] .. ':user', user) or '',
		args[3] == '1' and redis.call('HGET', keys[1] .. ':company', 'plan') or ''}
end

-- The normalized addresses of a stored person or user: `_addresses` where they differ from what the CRM wrote.
local function addresses_of(json)
	local object = decode_object(json)
	if object._addresses then
		return object._addresses
	end
	local list = {}
	for _, address in ipairs(list_of(object.emails)) do
		list[#list + 1] = address
	end
	if type(object.loginEmail) == 'string' then
		list[#list + 1] = object.loginEmail
	end
	return list
end

-- The index of people by address, with those that are on several people (LNK-11) beside it.
local function addresses_change(tag, fields, values, gone)
	local several, few = index_change(tag .. ':ad', fields, values, gone)
	local scored = {}
	for _, address in ipairs(several) do
		scored[#scored + 1] = '0'
		scored[#scored + 1] = address
	end
	call_many('ZADD', tag .. ':adm', scored, 2)
	call_many('ZREM', tag .. ':adm', few)
end

-- Of an id that is there more than once the last counts.
local function person_put(keys, args)
	local key, answer, last, set = keys[1] .. ':person', {}, {}, {}
	local fields, values, gone = {}, {}, {}
	local before = records(key, args, 3)
	for i = 1, #args, 3 do
		last[args[i]] = i
	end
	for i = 1, #args, 3 do
		local id, addresses = args[i], unpack_list(args[i + 2])
		if last[id] == i then
			local now, had = set_of(addresses), before[id] and addresses_of(before[id]) or {}
			local stays = set_of(had)
			for _, address in ipairs(had) do
				if not now[address] then
					fields[#fields + 1], values[#values + 1], gone[#fields + 1] = address, id, true
				end
			end
			for _, address in ipairs(addresses) do
				if not stays[address] then
					fields[#fields + 1], values[#values + 1] = address, id
				end
			end
			set[#set + 1] = id
			set[#set + 1] = args[i + 1]
		end
		answer[#answer + 1] = ''
	end
	addresses_change(keys[1], fields, values, gone)
	call_many('HSET', key, set, 2)
	return answer
end

local function person_delete(keys, args)
	local tag, id = keys[1], args[1]
	local json = redis.call('HGET', tag .. ':person', id)
	local fields, values, gone = json and addresses_of(json) or {}, {}, {}
	for k = 1, #fields do
		values[k], gone[k] = id, true
	end
	addresses_change(tag, fields, values, gone)
	return redis.call('HDEL', tag .. ':person', id)
end

local function org_put(keys, args)
	local answer = {}
	for i = 1, #args, 2 do
		redis.call('HSET', keys[1] .. ':org', args[i], args[i + 1])
		answer[#answer + 1] = ''
	end
	return answer
end

local function org_delete(keys, args)
	return redis.call('HDEL', keys[1] .. ':org', args[1])
end

-- Takes an item off its people's lists, as its record before says.
local function item_unlist(tag, field, json)
	local object = decode_object(json)
	if object.status and object.status ~= 'open' then
		return
	end
	local kind, id = field:sub(1, 1), field:sub(3)
	for _, person in ipairs(list_of(object.personIds)) do
		index_remove(tag .. ':pi', person, function(entry) return entry[1] == kind and entry[2] == id end)
	end
end

local function item_put(keys, args)
	local tag, answer = keys[1], {}
	local now = tonumber(table.remove(args, 1))
	local before = records(tag .. ':item', args, 5)
	for i = 1, #args, 5 do
		local field, json, open = args[i], args[i + 1], args[i + 2] == '1'
		local created = tonumber(args[i + 3])
		if before[field] then
			item_unlist(tag, field, before[field])
		end
		if not created then
			created = before[field] and decode_object(before[field])._created or now
			json = string.format('%s,"_created":%.0f}', json:sub(1, -2), created)
		end
		for person in pairs(set_of(open and unpack_list(args[i + 4]) or {})) do
			local list = unpack_list(redis.call('HGET', tag .. ':pi', person))
			list[#list + 1] = {field:sub(1, 1), field:sub(3), created}
			redis.call('HSET', tag .. ':pi', person, cmsgpack.pack(list))
		end
		redis.call('HSET', tag .. ':item', field, json)
		before[field] = json
		answer[#answer + 1] = ''
	end
	return answer
end

local function item_delete(keys, args)
	local json = redis.call('HGET', keys[1] .. ':item', args[1])
	if json then
		item_unlist(keys[1], args[1], json)
	end
	return redis.call('HDEL', keys[1] .. ':item', args[1])
end

-- Preferences are the last member of a user's record, enums and booleans only, so that they can be cut off and put on
-- as text (cjson would turn empty lists into objects).
local PREFERENCES = ',"preferences":%b{}}$'

local function user_put(keys, args)
	local tag, answer = keys[1], {}
	local before = records(tag .. ':user', args, 3)
	for i = 1, #args, 3 do
		local id, json, addresses, taken = args[i], args[i + 1], unpack_list(args[i + 2]), nil
		for _, address in ipairs(addresses) do
			local owner = redis.call('HGET', tag .. ':ua', address)
			taken = taken or (owner and owner ~= id and address)
		end
		if not taken then
			for _, address in ipairs(before[id] and addresses_of(before[id]) or {}) do
				redis.call('HDEL', tag .. ':ua', address)
			end
			for _, address in ipairs(addresses) do
				redis.call('HSET', tag .. ':ua', address, id)
			end
			local preferences = before[id] and before[id]:match(PREFERENCES)
			json = preferences and json:sub(1, -2) .. preferences or json
			redis.call('HSET', tag .. ':user', id, json)
			before[id] = json
		end
		answer[#answer + 1] = taken and 'address_taken ' .. taken or ''
	end
	return answer
end

-- A changed setting goes on record; without an entry nothing changed.
local function audit_add(key, entry)
	if (entry or '') ~= '' then
		redis.call('XADD', key, 'MAXLEN', '~', AUDIT_MAX, '*', 'e', entry)
	end
end

local function preferences_put(keys, args)
	local key = keys[1] .. ':user'
	local json = redis.call('HGET', key, args[1])
	if not json then
		return 0
	end
	local base = json:gsub(PREFERENCES, '}')
	redis.call('HSET', key, args[1], base:sub(1, -2) .. ',"preferences":' .. args[2] .. '}')
	audit_add(keys[1] .. ':aud:' .. args[1], args[3])
	return 1
end

local function user_tokens_delete(tag, user)
	local tokens = redis.call('HGETALL', tag .. ':tok')
	for i = 1, #tokens, 2 do
		if cmsgpack.unpack(tokens[i + 1])[4] == user then
			redis.call('HDEL', tag .. ':tok', tokens[i])
		end
	end
end

local function webhook_forget(tag, id)
	redis.call('UNLINK', tag .. ':whs:' .. id, tag .. ':whd:' .. id)
	redis.call('HDEL', tag .. ':wh', id)
end

local function user_webhooks_delete(tag, user)
	local hooks = redis.call('HGETALL', tag .. ':wh')
	for i = 1, #hooks, 2 do
		if decode_object(hooks[i + 1]).userId == user then
			webhook_forget(tag, hooks[i])
		end
	end
end

-- Takes a user out of the teams of others (ACC-10): whoever gets that id later is another.
local function user_memberships_delete(tag, id, accounts)
	for account, entry in pairs(accounts) do
		local members = {}
		for _, member in ipairs(entry[4]) do
			if member ~= id then
				members[#members + 1] = member
			end
		end
		if #members < #entry[4] then
			entry[4] = members
			redis.call('HSET', tag .. ':acct', account, cmsgpack.pack(entry))
		end
	end
end

local function user_delete(keys, args)
	local tag, id, accounts = keys[1], args[1], {}
	local packed = redis.call('HGETALL', tag .. ':acct')
	for i = 1, #packed, 2 do
		local entry = cmsgpack.unpack(packed[i + 1])
		if entry[2] == id and entry[5] ~= 1 then
			return 'accounts'
		end
		accounts[packed[i]] = entry
	end
	user_memberships_delete(tag, id, accounts)
	local json = redis.call('HGET', tag .. ':user', id)
	for _, address in ipairs(json and addresses_of(json) or {}) do
		redis.call('HDEL', tag .. ':ua', address)
	end
	user_tokens_delete(tag, id)
	user_webhooks_delete(tag, id)
	redis.call('UNLINK', tag .. ':aud:' .. id)
	return redis.call('HDEL', tag .. ':user', id)
end

local function settings_put(keys, args)
	local key = keys[1] .. ':company'
	if (redis.call('HGET', key, 'settings') or '') ~= args[1] then
		return 'stale'
	end
	redis.call('HSET', key, 'settings', args[2])
	audit_add(keys[1] .. ':audit', args[3])
	return 'ok'
end

local COMPANY_KEYS = {'company', 'tok', 'user', 'ua', 'person', 'org', 'item', 'ad', 'adm', 'pi', 'acct', 'applied', 'ev', 'tr',
	'audit', 'sup'}

local function timelines_drop(tag, field, packed)
	for _, suffix in ipairs(unpack_list(packed)) do
		redis.call('ZREM', tag .. ':tl:' .. suffix, field)
	end
	redis.call('HDEL', tag .. ':tr', field)
end

local function company_erase(keys, args)
	local tag = keys[1]
	redis.call('UNLINK', tag .. ':tok')
	for _, user in ipairs(redis.call('HKEYS', tag .. ':user')) do
		redis.call('UNLINK', tag .. ':aud:' .. user)
	end
	for _, hook in ipairs(redis.call('HKEYS', tag .. ':wh')) do
		webhook_forget(tag, hook)
	end
	local found = redis.call('HSCAN', tag .. ':tr', '0', 'COUNT', args[1])[2]
	for i = 1, #found, 2 do
		timelines_drop(tag, found[i], found[i + 1])
	end
	local left = redis.call('HLEN', tag .. ':tr')
	if left == 0 then
		for _, suffix in ipairs(COMPANY_KEYS) do
			redis.call('UNLINK', tag .. ':' .. suffix)
		end
	end
	return left
end

local function account_number(keys, args)
	local packed = redis.call('HGET', keys[1] .. ':acct', args[1])
	if packed then
		return cmsgpack.unpack(packed)[1]
	end
	return redis.call('HINCRBY', keys[1] .. ':company', 'accounts', 1)
end

local function account_add(keys, args)
	local members = {}
	for i = 6, #args do
		if redis.call('HEXISTS', keys[1] .. ':user', args[i]) == 1 then
			members[#members + 1] = args[i]
		end
	end
	redis.call('HSET', keys[1] .. ':acct', args[1],
		cmsgpack.pack({tonumber(args[2]), args[3], args[4], members, tonumber(args[5])}))
	return 'ok'
end

local function announce(keys, args)
	redis.call('XADD', keys[1] .. ':ev', 'MINID', '~', string.format('%.0f', tonumber(args[1]) - EVENT_KEEP_MS), '*', 'e',
		'c' .. cmsgpack.pack({args[2], tonumber(args[1]), args[3]}))
	return 1
end

redis.register_function('gateway_1_auth', auth)
redis.register_function('gateway_1_person_put', person_put)
redis.register_function('gateway_1_person_delete', person_delete)
redis.register_function('gateway_1_org_put', org_put)
redis.register_function('gateway_1_org_delete', org_delete)
redis.register_function('gateway_1_item_put', item_put)
redis.register_function('gateway_1_item_delete', item_delete)
redis.register_function('gateway_1_user_put', user_put)
redis.register_function('gateway_1_user_delete', user_delete)
redis.register_function('gateway_1_preferences_put', preferences_put)
redis.register_function('gateway_1_settings_put', settings_put)
redis.register_function('gateway_1_company_erase', company_erase)
redis.register_function('gateway_1_account_number', account_number)
redis.register_function('gateway_1_account_add', account_add)
redis.register_function('gateway_1_announce', announce)
