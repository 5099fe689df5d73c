# A short fixed count of every fuzz target: a smoke test, not a campaign (that is `tests/fuzz/run 3600`).
add_test(NAME fuzz.smoke COMMAND nice ${CMAKE_CURRENT_LIST_DIR}/run -runs=20000)
set_tests_properties(fuzz.smoke PROPERTIES LABELS fuzz TIMEOUT 300)
