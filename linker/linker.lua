#!lua name=linker_1
-- The linker's functions in Redis. The library is this line, hash.lua, journal.lua and thread_state.lua of common/store, and facts.lua, back.lua,
-- commit.lua, suppress.lua, apply.lua and rebuild.lua of this folder, in that order; arguments and answers stand at the head of each file.
