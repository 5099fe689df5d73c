/*
 * Between the files of rest/: the OpenAPI document's parts.
 */
#ifndef BANA_OPENAPI_H
#define BANA_OPENAPI_H

#include "bana/entity.h"

struct bana_service;

/* JSON Schema of an object with the fields of `view`: as it is answered, or as it is sent (then
 * `who` sets them, and decides what is required). */
void bana_schema_row(struct bana_buf *out, const struct bana_entity *entity,
	const unsigned char *view, size_t count, bool all_required);
void bana_schema_body(struct bana_buf *out, const struct bana_entity *entity, unsigned who);

/* Name of that body among the schemas: "InquiryPatch". */
const char *bana_schema_body_name(
	struct bana_arena *arena, const struct bana_entity *entity, unsigned who);

/* "<Entity>Where", "<Entity>Filter", "<Entity>Statistics" as members of components/schemas. */
void bana_schema_filter(struct bana_buf *out, const struct bana_entity *entity);
void bana_schema_statistics(struct bana_buf *out, const struct bana_entity *entity);

/* What does not depend on the service: members of components/schemas. */
extern const char bana_schemas_common[];

/* `"responses":{...},"headers":{...},"parameters":{...},"securitySchemes":{...}` of components.
 * `root` is the member that problems but those of 404, 422 and 429 are nested under; "": none. */
void bana_components_common(struct bana_buf *out, const char *root);

/* The response that a problem of this status is where it may be a page instead (bana_call.page). */
void bana_problem_or_page(struct bana_buf *out, int status, const char *root);

/* {"$ref":"#/components/<kind>/<name>"} */
void bana_ref(struct bana_buf *out, const char *kind, const char *name);

#endif
