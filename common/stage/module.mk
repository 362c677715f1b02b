$(eval $(call library,stage,$(filter-out %_test.c %_fuzz.c,$(wildcard common/stage/*.c))))
