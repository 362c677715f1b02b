$(eval $(call library,blob,$(filter-out %_test.c %_testbed.c %_fuzz.c,$(wildcard common/blob/*.c))))
$(eval $(call unit,common/blob/blob_test,common/blob/blob_testbed.c,blob secret base,-lcrypto -lzstd -lpthread -lidn2))
$(eval $(call unit,common/blob/blob_load_test,common/blob/blob_testbed.c,blob secret base,-lcrypto -lzstd -lpthread -lidn2))
$(eval $(call unit,common/blob/shred_test,common/blob/blob_testbed.c,blob secret base,-lcrypto -lzstd -lpthread -lidn2))
