# add_suites(FOLDER): one file of tests/FOLDER is one test with that label. They share a stack, so one runs at a time;
# those with a browser have one of their own, beside it.
get_filename_component(tests ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(stack ${CMAKE_BINARY_DIR}/stack)
set(environment)
set(patience 300)
if(BANA_TEST_PRESET STREQUAL "asan")
  set(environment "BANA_SLOW=1")
  set(patience 900)
endif()

set(with_browser "^http\\.(doc|doc-observe|try|bo|bo-quarantine)$")

function(add_suites folder)
  file(GLOB suites CONFIGURE_DEPENDS ${tests}/${folder}/*.test.mjs)
  if(BANA_SANITIZE) # nginx serves those pages by itself, PostgreSQL's programs make backups, and times of a sanitizer are not of interest, and the quickstart runs what others run
    list(FILTER suites EXCLUDE REGEX "/(doc|doc-observe|try|bo|bo-quarantine|backup|gate-cost|subscribe-timing|quickstart)\\.test\\.mjs$")
  endif()
  foreach(suite IN LISTS suites)
    get_filename_component(name ${suite} NAME_WE)
    set(on stack)
    if("${folder}.${name}" MATCHES "${with_browser}")
      set(on pages)
    endif()
    add_test(NAME ${folder}.${name} COMMAND node --test-reporter=spec ${suite})
    set_tests_properties(${folder}.${name} PROPERTIES LABELS ${folder} TIMEOUT ${patience}
      ENVIRONMENT "BANA_STACK=${CMAKE_BINARY_DIR}/${on};${environment}" FIXTURES_REQUIRED "npm;${on}" RESOURCE_LOCK ${on})
    if("${folder}.${name}" MATCHES "^live|^signal\\.once|^http\\.(fault|jwks|backup|limits|gate-cost|subscribe-timing)") # they measure: nothing beside them
      set_tests_properties(${folder}.${name} PROPERTIES RUN_SERIAL ON)
    endif()
  endforeach()
endfunction()
