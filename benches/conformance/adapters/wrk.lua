-- The documented call, for wrk.
wrk.method = "POST"
wrk.body = '{"user_id":"u","agent_id":"a","session_id":null,"message":"hello"}'
wrk.headers["content-type"] = "application/json"
wrk.headers["x-api-key"] = "any"
