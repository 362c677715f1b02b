-- thread_read.lua: a thread as it counts now, in one call whatever there is: what was merged, what was never there and what its
-- reader may not see take the same way. Part of the library gateway_1, behind common/store/thread_state.lua.
--
-- gateway_1_thread_read   key {a:<company>/<account>}   arguments: thread -> [the thread it leads to, its `t` or ``, its `tu` or ``]

local function thread_read(keys, args)
	local root = thread_resolve(keys[1], args[1])
	return {root, redis.call('HGET', keys[1] .. ':t', root) or '', redis.call('HGET', keys[1] .. ':tu', root) or ''}
end

redis.register_function{function_name = 'gateway_1_thread_read', callback = thread_read, flags = {'no-writes'}}
