-- facts.lua: what the linker's decision needs, read only.
--
-- linker_1_facts   key {c:<company>}   arguments: u, u user ids, then normalized addresses
--   -> [ [linkItems `automatic|manual`, kinds that may be linked by themselves e.g. `dl`, default sharing `shared|private|`],
--       [blocked entry...],
--       [default sharing of each user: `shared|private|`],
--       [`1` if the address is a user's, else `0`, for each address],
--       [packed list of person ids or ``, for each address],
--       [person id...] every person named there, once,
--       [packed list of [kind, id, created_ms] or ``, for each person] ]
-- linker_1_account key {a:<company>/<account>}   no arguments
--   -> [generation or ``, account number, default sharing, last journal number, blocked entry...]

local function decode_json(text)
	local ok, value = pcall(cjson.decode, text or '')
	return ok and type(value) == 'table' and value or {}
end

local function decode_list(packed)
	local ok, value = pcall(cmsgpack.unpack, packed or '\144')
	return ok and type(value) == 'table' and value or {}
end

local function sharing_word(value)
	return (value == 'shared' or value == 'private') and value or ''
end

local function strings_of(value)
	local list = {}
	for _, entry in ipairs(type(value) == 'table' and value or {}) do
		if type(entry) == 'string' then
			list[#list + 1] = entry
		end
	end
	return list
end

local function kinds_of(value)
	if type(value) ~= 'table' then
		return 'dl'
	end
	local letters = ''
	for _, kind in ipairs(strings_of(value)) do
		letters = letters .. kind:sub(1, 1)
	end
	return letters
end

local function users_sharing(tag, users)
	local found, answer = hash_get(tag .. ':user', users), {}
	for i, user in ipairs(users) do
		local record = decode_json(found[user])
		local preferences = type(record.preferences) == 'table' and record.preferences or {}
		answer[i] = sharing_word(record.defaultSharing or preferences.defaultSharing)
	end
	return answer
end

local function ordered(found, fields)
	local answer = {}
	for i, field in ipairs(fields) do
		answer[i] = found[field] or ''
	end
	return answer
end

local function facts(keys, args)
	local tag, user_count = keys[1], tonumber(args[1])
	local users, addresses = {}, {}
	for i = 2, #args do
		local list = i <= user_count + 1 and users or addresses
		list[#list + 1] = args[i]
	end
	local settings = decode_json(redis.call('HGET', tag .. ':company', 'settings'))
	local by_address, of_users = hash_get(tag .. ':ad', addresses), hash_get(tag .. ':ua', addresses)
	local people, known, is_user = {}, {}, {}
	for i, address in ipairs(addresses) do
		is_user[i] = of_users[address] and '1' or '0'
		for _, person in ipairs(decode_list(by_address[address])) do
			if not known[person] then
				known[person] = true
				people[#people + 1] = person
			end
		end
	end
	return {{settings.linkItems == 'manual' and 'manual' or 'automatic', kinds_of(settings.autoLinkKinds),
		sharing_word(settings.defaultSharing)}, strings_of(settings.blocked), users_sharing(tag, users), is_user,
		ordered(by_address, addresses), people, ordered(hash_get(tag .. ':pi', people), people)}
end

local function account(keys)
	local tag = keys[1]
	local values = redis.call('HMGET', tag .. ':acct', 'gen', 'number', 'sharing', 'config')
	local answer = {values[1] or '', values[2] or '0', sharing_word(values[3]), redis.call('HGET', tag .. ':n', 'j') or '0'}
	for _, entry in ipairs(strings_of(decode_json(values[4]).blocked)) do
		answer[#answer + 1] = entry
	end
	return answer
end

redis.register_function{function_name = 'linker_1_facts', callback = facts, flags = {'no-writes'}}
redis.register_function{function_name = 'linker_1_account', callback = account, flags = {'no-writes'}}
