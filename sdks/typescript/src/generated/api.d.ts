// Generated from openapi.json by script/gen. Do not edit.

export interface paths {
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listJobs"];
        put?: never;
        post: operations["createJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["createJobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["changeJob"];
        trace?: never;
    };
    "/api/v1/jobs/{id}/relations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The jobs that this one needs, and those that wait for it */
        get: operations["getJobRelations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["retryJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["cancelJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/interrupt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["interruptJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAttempts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/reply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["replyToJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["decideRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApprovals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Server-Sent Events; `id:` is the seq, `Last-Event-ID` is honoured. Ends when the job has; a client that asks again from its end is answered 204. */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The story as plain text. */
        get: operations["getLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As JSON, or as a unified diff with `Accept: text/x-diff`. */
        get: operations["getDiff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/live/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description For a WebSocket of a program that can send no headers: open `/api/v1/live?ticket=…`. A ticket is good for one connection within half a minute, and shows what its owner may see. */
        post: operations["createLiveTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/repositories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listRepositories"];
        put?: never;
        post: operations["createRepository"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/repositories/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getRepository"];
        put?: never;
        post?: never;
        delete: operations["deleteRepository"];
        options?: never;
        head?: never;
        patch: operations["updateRepository"];
        trace?: never;
    };
    "/api/v1/repositories/{id}/egress": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getEgress"];
        put: operations["setEgress"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Newest first */
        get: operations["listSchedules"];
        put?: never;
        /** Submits a job again and again */
        post: operations["createSchedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a cron expression means, and when it is due next */
        get: operations["previewSchedule"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows one */
        get: operations["getSchedule"];
        put?: never;
        post?: never;
        /** Its jobs stay */
        delete: operations["deleteSchedule"];
        options?: never;
        head?: never;
        /** Changes what is given; enabled: false pauses it */
        patch: operations["changeSchedule"];
        trace?: never;
    };
    "/api/v1/schedules/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Submits its job now, besides its due times */
        post: operations["runSchedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/{id}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest 100 due times, and what became of them */
        get: operations["listScheduleRuns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getLimits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["updateLimits"];
        trace?: never;
    };
    "/api/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApiKeys"];
        put?: never;
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/retention": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getRetention"];
        /** @description Takes effect with the next regular run, within the hour. Ask for a preview first. */
        put: operations["setRetention"];
        post?: never;
        /** @description Back to the settings of the installation. */
        delete: operations["clearRetention"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/retention/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description What would go now, with these settings or those that stand. Deletes nothing. */
        post: operations["previewRetention"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/retention/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Deletes now what the regular run would, but for mirrors: each worker looks after those of its machine. */
        post: operations["runRetention"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getSystem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listWorkers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getDoctor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        JobInput: {
            id: string;
            number: number;
            repositoryId: string;
            organizationId: string;
            createdBy: string | null;
            /** @enum {string} */
            state: "pending" | "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
            reason?: {
                /** @enum {string} */
                code: "internal_error" | "setup_failed" | "base_not_found" | "push_rejected" | "disk_full" | "no_progress" | "dependency_failed" | "agent_error" | "agent_crashed" | "oom" | "timeout" | "budget_exceeded" | "verify_failed" | "git_conflict" | "git_auth" | "git_unreachable" | "claude_auth" | "claude_unavailable" | "image_unavailable" | "no_capacity" | "worker_lost" | "policy_violation" | "cancelled_by_user";
                message: string;
                next?: string;
            };
            task: string;
            baseBranch: string;
            baseCommit: string | null;
            branch: string;
            headCommit?: string;
            pullRequestUrl?: string;
            /** @enum {string} */
            priority: "low" | "normal" | "high";
            attempt: number;
            turn: number;
            /** @enum {string} */
            waitingFor?: "question" | "plan" | "budget" | "reply";
            /** Format: date-time */
            waitingSince?: string;
            planFirst: boolean;
            /** @enum {string} */
            questions: "ask" | "decide";
            queuePosition?: number;
            /** @enum {string} */
            stage?: "preparing_repository" | "starting_container" | "cloning" | "setting_up" | "working" | "waiting_for_claude" | "verifying" | "pushing" | "verifying_clean" | "publishing";
            costUsd: number;
            tokens: {
                input: number;
                output: number;
                cacheRead: number;
                cacheWrite: number;
            };
            model: string | null;
            scriptedModel: boolean;
            verify: string[];
            setup: string[];
            timeoutSeconds: number;
            queueTimeoutSeconds: number | null;
            maxAttempts: number;
            /** Format: date-time */
            retryAt?: string;
            budgetUsd: number | null;
            /** Format: date-time */
            runAt?: string;
            needs: string[];
            baseFrom?: string;
            scheduleId?: string;
            cache: boolean;
            cachedFrom?: string;
            cachedFromNumber?: number;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            startedAt?: string;
            /** Format: date-time */
            finishedAt?: string;
            result?: {
                summary: string;
                filesChanged: number;
                insertions: number;
                deletions: number;
                verify: {
                    command: string;
                    exitCode: number;
                    durationMs: number;
                    output: string;
                }[];
            };
        };
        NewJobTemplateInput: {
            task: string;
            baseBranch?: string;
            /** @enum {string} */
            priority?: "low" | "normal" | "high";
            verify?: string[];
            setup?: string[];
            environment?: {
                [key: string]: string;
            };
            model?: string;
            budgetUsd?: number;
            timeoutSeconds?: number;
            /** @description How long it may wait in the queue; a week unless said otherwise */
            queueTimeoutSeconds?: number;
            maxAttempts?: number;
            /** @description Claude only plans, until a person approves the plan */
            planFirst?: boolean;
            /**
             * @description decide: Claude asks nobody
             * @enum {string}
             */
            questions?: "ask" | "decide";
            /** @description An earlier result of the same task on the same commit will do */
            cache?: boolean;
        };
        JobTemplateInput: {
            task: string;
            baseBranch?: string;
            /** @enum {string} */
            priority?: "low" | "normal" | "high";
            verify?: string[];
            setup?: string[];
            environment?: {
                [key: string]: string;
            };
            model?: string;
            budgetUsd?: number;
            timeoutSeconds?: number;
            /** @description How long it may wait in the queue; a week unless said otherwise */
            queueTimeoutSeconds?: number;
            maxAttempts?: number;
            /** @description Claude only plans, until a person approves the plan */
            planFirst?: boolean;
            /**
             * @description decide: Claude asks nobody
             * @enum {string}
             */
            questions?: "ask" | "decide";
            /** @description An earlier result of the same task on the same commit will do */
            cache?: boolean;
        };
        /** @description In days after a job's end, of mirrors after their last use; null: for ever. `jobs`: everything but the ledger; `events`: the story alone; `mirrors`: copies of repositories whose upstream has all of it */
        KeepDaysInput: {
            jobs: number | null;
            events: number | null;
            artifacts: number | null;
            mirrors: number | null;
        };
        DoomedInput: {
            count: number;
            bytes: number;
            oldest: string | null;
            newest: string | null;
            sample: {
                id: string;
                name: string;
                /** Format: date-time */
                at: string;
            }[];
        };
        RelatedJobInput: {
            id: string;
            number: number;
            /** @enum {string} */
            state: "pending" | "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
            task: string;
        };
        /** @description RFC 9457 problem details */
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @enum {string} */
            code: "validation_failed" | "malformed_request" | "not_signed_in" | "not_allowed" | "not_found" | "job_not_found" | "repository_not_found" | "repository_name_taken" | "repository_busy" | "repository_url_invalid" | "address_not_allowed" | "branch_name_invalid" | "model_not_allowed" | "run_at_invalid" | "needs_cycle" | "budget_below_spent" | "schedule_not_found" | "schedule_name_taken" | "schedule_invalid" | "job_state_conflict" | "request_not_found" | "request_decided" | "idempotency_key_reused" | "payload_too_large" | "rate_limited" | "unavailable" | "internal_error" | "git_auth" | "git_unreachable" | "base_not_found" | "push_rejected" | "disk_full" | "storage_unavailable" | "object_damaged" | "repository_empty" | "docker_unavailable" | "image_unavailable" | "no_capacity" | "lease_lost" | "config_invalid" | "port_taken" | "backup_damaged" | "backup_key_wrong" | "backup_not_found" | "backup_failed" | "system_not_empty" | "migration_failed" | "version_unsupported" | "broker_unavailable" | "database_unavailable";
            requestId: string;
            errors?: {
                path: string;
                message: string;
            }[];
        };
        ApiKey: {
            id: string;
            name: string;
            start: string;
            /** Format: date-time */
            createdAt: string;
            lastUsedAt: string | null;
            expiresAt: string | null;
        };
        NewApiKey: {
            id: string;
            name: string;
            start: string;
            /** Format: date-time */
            createdAt: string;
            lastUsedAt: string | null;
            expiresAt: string | null;
            key: string;
        };
        Job: {
            id: string;
            number: number;
            repositoryId: string;
            organizationId: string;
            createdBy: string | null;
            /** @enum {string} */
            state: "pending" | "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
            reason?: {
                /** @enum {string} */
                code: "internal_error" | "setup_failed" | "base_not_found" | "push_rejected" | "disk_full" | "no_progress" | "dependency_failed" | "agent_error" | "agent_crashed" | "oom" | "timeout" | "budget_exceeded" | "verify_failed" | "git_conflict" | "git_auth" | "git_unreachable" | "claude_auth" | "claude_unavailable" | "image_unavailable" | "no_capacity" | "worker_lost" | "policy_violation" | "cancelled_by_user";
                message: string;
                next?: string;
            };
            task: string;
            baseBranch: string;
            baseCommit: string | null;
            branch: string;
            headCommit?: string;
            pullRequestUrl?: string;
            /** @enum {string} */
            priority: "low" | "normal" | "high";
            attempt: number;
            turn: number;
            /** @enum {string} */
            waitingFor?: "question" | "plan" | "budget" | "reply";
            /** Format: date-time */
            waitingSince?: string;
            planFirst: boolean;
            /** @enum {string} */
            questions: "ask" | "decide";
            queuePosition?: number;
            /** @enum {string} */
            stage?: "preparing_repository" | "starting_container" | "cloning" | "setting_up" | "working" | "waiting_for_claude" | "verifying" | "pushing" | "verifying_clean" | "publishing";
            costUsd: number;
            tokens: {
                input: number;
                output: number;
                cacheRead: number;
                cacheWrite: number;
            };
            model: string | null;
            scriptedModel: boolean;
            verify: string[];
            setup: string[];
            timeoutSeconds: number;
            queueTimeoutSeconds: number | null;
            maxAttempts: number;
            /** Format: date-time */
            retryAt?: string;
            budgetUsd: number | null;
            /** Format: date-time */
            runAt?: string;
            needs: string[];
            baseFrom?: string;
            scheduleId?: string;
            cache: boolean;
            cachedFrom?: string;
            cachedFromNumber?: number;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            startedAt?: string;
            /** Format: date-time */
            finishedAt?: string;
            result?: {
                summary: string;
                filesChanged: number;
                insertions: number;
                deletions: number;
                verify: {
                    command: string;
                    exitCode: number;
                    durationMs: number;
                    output: string;
                }[];
            };
        };
        NewJob: {
            /** Format: uuid */
            repositoryId: string;
            task: string;
            baseBranch?: string;
            /** @enum {string} */
            priority?: "low" | "normal" | "high";
            verify?: string[];
            setup?: string[];
            environment?: {
                [key: string]: string;
            };
            model?: string;
            budgetUsd?: number;
            timeoutSeconds?: number;
            /** @description How long it may wait in the queue; a week unless said otherwise */
            queueTimeoutSeconds?: number;
            maxAttempts?: number;
            /** @description Claude only plans, until a person approves the plan */
            planFirst?: boolean;
            /**
             * @description decide: Claude asks nobody
             * @enum {string}
             */
            questions?: "ask" | "decide";
            /** @description An earlier result of the same task on the same commit will do */
            cache?: boolean;
            branch?: string;
            /**
             * Format: date-time
             * @description Not before this time; at most a year ahead
             */
            runAt?: string;
            /** @description Ids or numbers of jobs that must have succeeded before this one starts */
            needs?: string[];
            /** @description A needed job: start from its result, not from the base branch */
            baseFrom?: string;
        };
        NewBatch: {
            jobs: {
                /** Format: uuid */
                repositoryId: string;
                task: string;
                baseBranch?: string;
                /** @enum {string} */
                priority?: "low" | "normal" | "high";
                verify?: string[];
                setup?: string[];
                environment?: {
                    [key: string]: string;
                };
                model?: string;
                budgetUsd?: number;
                timeoutSeconds?: number;
                /** @description How long it may wait in the queue; a week unless said otherwise */
                queueTimeoutSeconds?: number;
                maxAttempts?: number;
                /** @description Claude only plans, until a person approves the plan */
                planFirst?: boolean;
                /**
                 * @description decide: Claude asks nobody
                 * @enum {string}
                 */
                questions?: "ask" | "decide";
                /** @description An earlier result of the same task on the same commit will do */
                cache?: boolean;
                branch?: string;
                /**
                 * Format: date-time
                 * @description Not before this time; at most a year ahead
                 */
                runAt?: string;
                /** @description The job's name within this batch, for `needs` */
                key?: string;
                /** @description Ids or numbers of jobs that must have succeeded before this one starts */
                needs?: string[];
                /** @description A needed job: start from its result, not from the base branch */
                baseFrom?: string;
            }[];
        };
        NewJobTemplate: {
            task: string;
            baseBranch?: string;
            /** @enum {string} */
            priority?: "low" | "normal" | "high";
            verify?: string[];
            setup?: string[];
            environment?: {
                [key: string]: string;
            };
            model?: string;
            budgetUsd?: number;
            timeoutSeconds?: number;
            /** @description How long it may wait in the queue; a week unless said otherwise */
            queueTimeoutSeconds?: number;
            maxAttempts?: number;
            /** @description Claude only plans, until a person approves the plan */
            planFirst?: boolean;
            /**
             * @description decide: Claude asks nobody
             * @enum {string}
             */
            questions?: "ask" | "decide";
            /** @description An earlier result of the same task on the same commit will do */
            cache?: boolean;
        };
        JobTemplate: {
            task: string;
            baseBranch?: string;
            /** @enum {string} */
            priority?: "low" | "normal" | "high";
            verify?: string[];
            setup?: string[];
            environment?: {
                [key: string]: string;
            };
            model?: string;
            budgetUsd?: number;
            timeoutSeconds?: number;
            /** @description How long it may wait in the queue; a week unless said otherwise */
            queueTimeoutSeconds?: number;
            maxAttempts?: number;
            /** @description Claude only plans, until a person approves the plan */
            planFirst?: boolean;
            /**
             * @description decide: Claude asks nobody
             * @enum {string}
             */
            questions?: "ask" | "decide";
            /** @description An earlier result of the same task on the same commit will do */
            cache?: boolean;
        };
        Attempt: {
            number: number;
            workerId: string;
            epoch: number;
            /** Format: date-time */
            startedAt: string;
            endedAt: string | null;
            endReason: string | null;
            failure: ("internal_error" | "setup_failed" | "base_not_found" | "push_rejected" | "disk_full" | "no_progress" | "dependency_failed" | "agent_error" | "agent_crashed" | "oom" | "timeout" | "budget_exceeded" | "verify_failed" | "git_conflict" | "git_auth" | "git_unreachable" | "claude_auth" | "claude_unavailable" | "image_unavailable" | "no_capacity" | "worker_lost" | "policy_violation" | "cancelled_by_user") | null;
            containers: {
                phase: string;
                executor: string;
                id: string;
            }[];
            pushedCommit: string | null;
            rescuedCommit: string | null;
            rescueRef: string | null;
            sessionId: string | null;
        };
        Reply: {
            text?: string;
            /** @description To questions: by the question's words, its heading, or its number from 1 */
            answers?: {
                [key: string]: string | string[];
            };
        };
        Verdict: {
            requestId: string;
            /** @enum {string} */
            decision: "allow" | "deny";
            note?: string;
        };
        Approval: {
            requestId: string;
            /** @enum {string} */
            kind: "tool" | "plan" | "question" | "reply";
            input: unknown;
            attempt: number;
            /** @enum {string} */
            status: "pending" | "decided" | "closed";
            /** Format: date-time */
            requestedAt: string;
            /** @enum {string} */
            decision?: "allow" | "deny";
            note?: string;
            answers?: {
                [key: string]: string | string[];
            };
            decidedBy?: string | null;
            /** Format: date-time */
            decidedAt?: string;
        };
        JobEvent: {
            seq?: number;
            jobId: string;
            attempt: number;
            /** @enum {string} */
            type: "job.created" | "job.pending" | "job.queued" | "job.changed" | "result.reused" | "job.started" | "job.stage" | "job.waiting" | "job.resumed" | "job.reopened" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.retried" | "attempt.started" | "attempt.lost" | "attempt.adopted" | "attempt.parked" | "session.saved" | "session.resumed" | "session.started_afresh" | "claude.message" | "claude.text.delta" | "claude.tool.started" | "claude.tool.finished" | "claude.usage" | "git.cloned" | "git.committed" | "git.pushed" | "git.work.saved" | "git.work.restored" | "git.rescued" | "git.conflict.detected" | "git.conflict.resolved" | "git.pull_request.opened" | "git.push.refused" | "verify.started" | "verify.finished" | "log" | "egress.blocked" | "policy.denied" | "settings.neutralised" | "budget.warning" | "budget.exceeded" | "approval.requested" | "approval.decided" | "reply.received" | "artifact.added";
            /** Format: date-time */
            at: string;
            data: unknown;
        };
        Diff: {
            base: string;
            head: string;
            stat: {
                filesChanged: number;
                insertions: number;
                deletions: number;
            };
            diff: string;
            truncated: boolean;
        };
        Limits: {
            maxRunning: number | null;
            running: number;
            queued: number;
        };
        LiveTicket: {
            ticket: string;
            /** Format: date-time */
            expiresAt: string;
        };
        Repository: {
            id: string;
            organizationId: string;
            name: string;
            url: string | null;
            defaultBranch: string | null;
            hasCredential: boolean;
            settings: {
                setup?: string[];
                verify?: string[];
                /** @description Claude Code's permission rules for what needs a person's yes */
                approvals?: string[];
            };
            maxRunning: number | null;
            egress: {
                allow: string[];
            };
            gitUrl: string;
            /** Format: date-time */
            createdAt: string;
        };
        /** @description In days after a job's end, of mirrors after their last use; null: for ever. `jobs`: everything but the ledger; `events`: the story alone; `mirrors`: copies of repositories whose upstream has all of it */
        KeepDays: {
            jobs: number | null;
            events: number | null;
            artifacts: number | null;
            mirrors: number | null;
        };
        Retention: {
            keepDays: components["schemas"]["KeepDays"];
            own: boolean;
            installation: components["schemas"]["KeepDays"];
        };
        Doomed: {
            count: number;
            bytes: number;
            oldest: string | null;
            newest: string | null;
            sample: {
                id: string;
                name: string;
                /** Format: date-time */
                at: string;
            }[];
        };
        RetentionPreview: {
            keepDays: components["schemas"]["KeepDays"];
            jobs: components["schemas"]["Doomed"];
            events: components["schemas"]["Doomed"];
            artifacts: components["schemas"]["Doomed"];
            mirrors: components["schemas"]["Doomed"];
        };
        RetentionRun: {
            jobs: number;
            events: number;
            artifacts: number;
        };
        Schedule: {
            id: string;
            organizationId: string;
            name: string;
            repositoryId: string | null;
            cron: string;
            timezone: string;
            description: string;
            job: components["schemas"]["JobTemplate"];
            /** @enum {string} */
            overlap: "skip" | "queue" | "cancel_previous";
            /** @enum {string} */
            missed: "skip" | "run_once";
            enabled: boolean;
            nextRunAt: string | null;
            lastRunAt: string | null;
            lastJobId: string | null;
            lastError: {
                code: string;
                message: string;
                /** Format: date-time */
                at: string;
            } | null;
            createdBy: string | null;
            /** Format: date-time */
            createdAt: string;
        };
        ScheduleRun: {
            /** Format: date-time */
            dueAt: string;
            /** @enum {string} */
            outcome: "submitted" | "skipped" | "missed" | "failed";
            jobId: string | null;
            jobNumber: number | null;
            message: string | null;
        };
        CheckResult: {
            name: string;
            /** @enum {string} */
            status: "ok" | "warning" | "problem";
            summary: string;
            next?: string;
        };
        Me: {
            user: {
                id: string;
                name: string;
                email: string;
            } | null;
            organization: {
                id: string;
                slug: string;
                name: string;
            };
            role: string;
            /** @enum {string} */
            via: "apiKey" | "session";
        };
        System: {
            version: string;
            executor: string;
            workers: number;
            scriptedModel: boolean;
            /** @enum {string} */
            isolation: "full" | "reduced" | "none";
            queue: {
                queued: number;
                running: number;
                /** @enum {string} */
                kind: "postgres" | "rabbitmq" | "redis";
            };
            bus: {
                /** @enum {string} */
                kind: "postgres" | "rabbitmq" | "redis";
            };
            degraded: string[];
        };
        Worker: {
            id: string;
            version: string;
            executor: string;
            host: string;
            concurrency: number;
            draining: boolean;
            facts: {
                [key: string]: string;
            };
            /** Format: date-time */
            startedAt: string;
            /** Format: date-time */
            heartbeatAt: string;
        };
        Batch: {
            jobs: components["schemas"]["Job"][];
        };
        JobChange: {
            /** @enum {string} */
            priority?: "low" | "normal" | "high";
            budgetUsd?: number | null;
            runAt?: string | null;
        };
        RelatedJob: {
            id: string;
            number: number;
            /** @enum {string} */
            state: "pending" | "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
            task: string;
        };
        JobRelations: {
            needs: components["schemas"]["RelatedJob"][];
            dependents: components["schemas"]["RelatedJob"][];
        };
        NewRepository: {
            name: string;
            url?: string;
            defaultBranch?: string;
            credential?: {
                /** @constant */
                type: "token";
                username?: string;
                token: string;
            } | {
                /** @constant */
                type: "ssh";
                privateKey: string;
            };
            settings?: {
                setup?: string[];
                verify?: string[];
                /** @description Claude Code's permission rules for what needs a person's yes */
                approvals?: string[];
            };
        };
        RepositoryChange: {
            name?: string;
            defaultBranch?: string;
            credential?: {
                /** @constant */
                type: "token";
                username?: string;
                token: string;
            } | {
                /** @constant */
                type: "ssh";
                privateKey: string;
            };
            settings?: {
                setup?: string[];
                verify?: string[];
                /** @description Claude Code's permission rules for what needs a person's yes */
                approvals?: string[];
            };
            /** @description How many jobs may run at once; null: as many as there is room for */
            maxRunning?: number | null;
        };
        NewSchedule: {
            name: string;
            /** Format: uuid */
            repositoryId: string;
            /** @description minute hour day month weekday, or @hourly @daily @weekly @monthly @yearly */
            cron: string;
            /** @description An IANA name such as Europe/Berlin; UTC when none is given */
            timezone?: string;
            job: components["schemas"]["NewJobTemplateInput"];
            /**
             * @description When the run before is unfinished: skip this one (default), queue it behind that one, or cancel that one
             * @enum {string}
             */
            overlap?: "skip" | "queue" | "cancel_previous";
            /**
             * @description When FlowForge did not run at a due time: skip it, or run once (default) for all that were missed
             * @enum {string}
             */
            missed?: "skip" | "run_once";
            enabled?: boolean;
        };
        SchedulePreview: {
            description: string;
            runs: string[];
        };
        ScheduleChange: {
            name?: string;
            /** Format: uuid */
            repositoryId?: string;
            /** @description minute hour day month weekday, or @hourly @daily @weekly @monthly @yearly */
            cron?: string;
            /** @description An IANA name such as Europe/Berlin; UTC when none is given */
            timezone?: string;
            job?: components["schemas"]["NewJobTemplateInput"];
            /**
             * @description When the run before is unfinished: skip this one (default), queue it behind that one, or cancel that one
             * @enum {string}
             */
            overlap?: "skip" | "queue" | "cancel_previous";
            /**
             * @description When FlowForge did not run at a due time: skip it, or run once (default) for all that were missed
             * @enum {string}
             */
            missed?: "skip" | "run_once";
            enabled?: boolean;
        };
        LimitsChange: {
            /** @description How many jobs may run at once; null: as many as there is room for */
            maxRunning: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listJobs: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                state?: ("pending" | "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled") | ("pending" | "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled")[];
                repositoryId?: string;
                scheduleId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Job"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJob"];
            };
        };
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createJobs: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBatch"];
            };
        };
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Batch"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobChange"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getJobRelations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobRelations"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    interruptJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAttempts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Attempt"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replyToJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Reply"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    decideRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Verdict"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listApprovals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Approval"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                after?: number;
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["JobEvent"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    streamEvents: {
        parameters: {
            query?: {
                after?: number;
            };
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getLog: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getDiff: {
        parameters: {
            query?: {
                /** @description What this attempt pushed, or what was saved of it when it broke off */
                attempt?: number;
            };
            header?: never;
            path: {
                /** @description The job's id, or its number */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Diff"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createLiveTicket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LiveTicket"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listRepositories: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Repository"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createRepository: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRepository"];
            };
        };
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Repository"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getRepository: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Repository"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteRepository: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateRepository: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RepositoryChange"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Repository"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getEgress: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        allow: string[];
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setEgress: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    allow: string[];
                };
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        allow: string[];
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSchedules: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Schedule"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSchedule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSchedule"];
            };
        };
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    previewSchedule: {
        parameters: {
            query: {
                /** @description minute hour day month weekday, or @hourly @daily @weekly @monthly @yearly */
                cron: string;
                /** @description An IANA name such as Europe/Berlin; UTC when none is given */
                timezone?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SchedulePreview"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ScheduleChange"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runSchedule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listScheduleRuns: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["ScheduleRun"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getLimits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Limits"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateLimits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LimitsChange"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Limits"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["ApiKey"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body give the same answer, for 24 hours */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                };
            };
        };
        responses: {
            /** @description Default Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getRetention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Retention"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setRetention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeepDaysInput"];
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Retention"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    clearRetention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Retention"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    previewRetention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    jobs?: number | null;
                    events?: number | null;
                    artifacts?: number | null;
                    mirrors?: number | null;
                } | null;
            };
        };
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionPreview"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runRetention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionRun"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Default Response */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSystem: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["System"];
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWorkers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Worker"][];
                        nextCursor: string | null;
                        hasMore: boolean;
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getDoctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Default Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        checks: components["schemas"]["CheckResult"][];
                    };
                };
            };
            /** @description Default Response */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
