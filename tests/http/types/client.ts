// What a BO developer writes against the generated types; compiled, never run, by openapi.test.mjs. Each line that
// must not compile says so.
import type { components, operations, paths } from "./outreach";

type Inquiry = components["schemas"]["Inquiry"];
type Filter = components["schemas"]["InquiryFilter"];
type Patch = operations["updateByIdInquiry"]["requestBody"]["content"]["application/json"];
type Page = operations["findInquiry"]["responses"]["200"]["content"]["application/json"];
type Problem = components["schemas"]["Problem"];
type Submission = paths["/inquiries/submit"]["post"]["requestBody"]["content"]["application/json"];

const submission: Submission = { firstName: "Ada", email: "ada@example.com", message: "Hello", type: "200_SALES" };
const patch: Patch = { status: "104_IN_REVIEW", assigneeId: null };
const filter: Filter = { where: { status: "100_NEW", or: [{ email: { ilike: "%@example.com" } }, { assigneeId: null }] }, order: ["createdAt DESC"], limit: 25 };

// @ts-expect-error a status that there is not
const badStatus: Patch = { status: "999_LOST" };
// @ts-expect-error a field that a visitor may not set
const badField: Submission = { firstName: "Ada", email: "ada@example.com", message: "Hello", status: "100_NEW" };
// @ts-expect-error an operator that there is not
const badOperator: Filter = { where: { email: { regexp: "x" } } };

export async function newest(base: string, token: string): Promise<Page["data"]> {
  const url = `${base}/inquiries?filter=${encodeURIComponent(JSON.stringify(filter))}`;
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(((await answer.json()) as Problem).detail);
  return ((await answer.json()) as Page).data;
}

export const subjectOf = (inquiry: Inquiry): string => inquiry.subject ?? `(${inquiry.status})`;
export { badField, badOperator, badStatus, patch, submission };
