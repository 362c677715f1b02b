-- logins.lua: the sender's names for the functions of common/store/logins.lua.
redis.register_function('sender_1_login_ask', login_ask)
redis.register_function('sender_1_login_told', login_told)
