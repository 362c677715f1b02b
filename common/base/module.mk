$(eval $(call library,base,$(filter-out %_test.c %_fuzz.c,$(wildcard common/base/*.c))))
$(foreach t,span buf arena clock code address log utf7,$(eval $(call unit,common/base/$(t)_test,,base,-lidn2)))
$(eval $(call fuzz,common/base/address_fuzz,,base,-lidn2))
