-- hash: many fields of a key at once, however many. A fragment of function libraries: only local functions.

local HASH_CHUNK = 1000 -- arguments of one command

-- Every `step` list elements of one command belong together.
local function call_many(command, key, list, step)
	local chunk = HASH_CHUNK - HASH_CHUNK % (step or 1)
	for from = 1, #list, chunk do
		redis.call(command, key, unpack(list, from, math.min(from + chunk - 1, #list)))
	end
end

-- field -> value of the fields that are there.
local function hash_get(key, fields)
	local found = {}
	for from = 1, #fields, HASH_CHUNK do
		local to = math.min(from + HASH_CHUNK - 1, #fields)
		local values = redis.call('HMGET', key, unpack(fields, from, to))
		for i, value in ipairs(values) do
			if value then
				found[fields[from + i - 1]] = value
			end
		end
	end
	return found
end
