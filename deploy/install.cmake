# What is installed, and the Debian package of it.  /usr/share/bana is laid out as the repository, so that scripts
# find their neighbours in both.  The units name /usr: for another prefix edit them.
include(GNUInstallDirs)
set(share ${CMAKE_INSTALL_DATADIR}/bana)
set(doc ${CMAKE_INSTALL_DATADIR}/doc/bana-outreach)

install(TARGETS bana-outreach bana-signal bana-bridge bana-token RUNTIME)
install(DIRECTORY migrations conf DESTINATION ${share})
install(PROGRAMS deploy/nginx-render deploy/backup deploy/restore DESTINATION ${share}/deploy)
install(FILES deploy/lib/say.sh deploy/lib/database.sh DESTINATION ${share}/deploy/lib)
install(DIRECTORY deploy/lib/sql DESTINATION ${share}/deploy/lib)
install(DIRECTORY deploy/grafana deploy/prometheus DESTINATION ${share}/deploy OPTIONAL)
# The pages of /doc as deploy/package makes them, with the bundle from npm.
install(DIRECTORY build/package/pages/doc DESTINATION ${share} OPTIONAL)
# The list of disposable domains as deploy/package makes it from npm.
install(FILES build/package/pages/disposable-domains.txt DESTINATION ${share} OPTIONAL)
# The back office needs no bundle: it is there in an image, too.
install(DIRECTORY conf/nginx/bo DESTINATION ${share}/doc)
install(FILES conf/nginx/client/observer.mjs DESTINATION ${share}/doc/assets)

install(DIRECTORY deploy/systemd/ DESTINATION lib/systemd/system
  FILES_MATCHING PATTERN "*.service" PATTERN "*.target" PATTERN "*.timer" PATTERN "10-*.conf")
install(FILES deploy/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME bana.conf)
install(PROGRAMS deploy/systemd/bana-pool-roll DESTINATION ${CMAKE_INSTALL_SBINDIR})
# Passwords will stand in them.
set(private OWNER_READ OWNER_WRITE)
set(closed_folder DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE)
install(DIRECTORY deploy/etc/bana DESTINATION ${CMAKE_INSTALL_SYSCONFDIR} ${closed_folder}
  FILE_PERMISSIONS ${private} GROUP_READ PATTERN *migrate.env EXCLUDE)
install(FILES deploy/etc/bana/migrate.env deploy/etc/bana/signal-migrate.env DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/bana PERMISSIONS ${private})
install(FILES deploy/etc/logrotate.d/bana DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/logrotate.d)

install(DIRECTORY docs/ DESTINATION ${doc} FILES_MATCHING PATTERN "*.md" PATTERN "*.png" PATTERN "examples" EXCLUDE)
install(DIRECTORY docs/examples DESTINATION ${doc})
install(FILES deploy/debian/copyright DESTINATION ${doc})
install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME bana-outreach)
install(FILES deploy/systemd/peers.conf DESTINATION ${doc}/examples)

# ---- cpack -G DEB
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bana-outreach)
set(CPACK_PACKAGE_CONTACT "BANA <operations@bana.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "inquiries, newsletter subscriptions and notifications of BANA")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "A pool of FastCGI workers behind nginx, with PostgreSQL and, for live
rooms, nginx's nchan module over Redis. Starts nothing before it is
configured: see /usr/share/doc/bana-outreach/operations.md.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, gettext-base, libnginx-mod-http-headers-more-filter, libnginx-mod-nchan, multiwatch, nginx, spawn-fcgi")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "logrotate, postgresql-client")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, redis-server")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA conffiles postinst prerm postrm)
list(TRANSFORM CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA PREPEND ${CMAKE_SOURCE_DIR}/deploy/debian/)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/deploy/debian/stage.cmake)
include(CPack)
