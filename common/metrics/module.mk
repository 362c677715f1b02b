$(eval $(call library,metrics,$(filter-out %_test.c %_fuzz.c,$(wildcard common/metrics/*.c))))
