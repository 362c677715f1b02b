STAGE_LIBS := stage bus store wire metrics conf base
STAGE_SYSTEM := -lzmq -lhiredis -lmicrohttpd -lcrypto -lidn2 -lpthread

$(eval $(call library,stage,$(filter-out %_test.c %_fuzz.c,$(wildcard common/stage/*.c))))
$(foreach t,registry stage,$(eval $(call unit,common/stage/$(t)_test,common/store/store_testbed.c,$(STAGE_LIBS),$(STAGE_SYSTEM))))
