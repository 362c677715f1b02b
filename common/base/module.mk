$(eval $(call library,base,$(filter-out %_test.c %_fuzz.c,$(wildcard common/base/*.c))))
