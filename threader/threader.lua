#!lua name=threader_1
-- The threader's functions in Redis. The library is this line, hash.lua, journal.lua and thread_state.lua of common/store, rehome.lua.
