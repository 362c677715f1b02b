$(eval $(call library,blob,$(filter-out %_test.c %_fuzz.c,$(wildcard common/blob/*.c))))
$(eval $(call unit,common/blob/blob_test,,blob secret base,-lcrypto -lzstd -lpthread -lidn2))
