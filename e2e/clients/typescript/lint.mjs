// Lint the schema with Redocly's recommended rules. Warnings count as errors.
import { createConfig, formatProblems, getTotals, lint } from "@redocly/openapi-core";

const config = await createConfig({ extends: ["recommended"] });
const problems = await lint({ ref: process.argv[2], config });
formatProblems(problems, { totals: getTotals(problems) });
process.exit(problems.length ? 1 : 0);
