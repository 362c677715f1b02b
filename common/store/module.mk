$(eval $(call library,store,$(filter-out %_test.c %_testbed.c %_fuzz.c,$(wildcard common/store/*.c))))
$(eval $(call unit,common/store/keys_test,,store metrics base,-lhiredis -lmicrohttpd -lpthread -lidn2))
$(eval $(call unit,common/store/store_test,common/store/store_testbed.c,store metrics base,-lhiredis -lmicrohttpd -lpthread -lidn2))
$(eval $(call unit,common/store/cluster_test,common/store/store_testbed.c,store metrics base,-lhiredis -lmicrohttpd -lpthread -lidn2))
