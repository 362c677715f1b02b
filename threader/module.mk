$(B)/gen/threader_lua.h: threader/threader.lua common/store/hash.lua common/store/journal.lua common/store/thread_state.lua threader/rehome.lua
$(B)/threader/main.o: $(B)/gen/threader_lua.h
$(eval $(call program,threader,$(filter-out %_test.c,$(wildcard threader/*.c)),stage secret store bus wire metrics conf base,-lhiredis -lzmq -lmicrohttpd -lcrypto -lidn2 -lpthread))
$(eval $(call unit,threader/ids_test,threader/ids.c threader/proposal.c,secret wire base,-lcrypto -lidn2))
$(eval $(call unit,threader/union_test,threader/union.c,,))
