// By which labels a job knows its pods: today's name of each first, then the one from before. The job's own file gives them
// to its template, its rules ask for them, and its controller selects by them.

export const controllerUidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'] as const
export const jobNameLabels = ['batch.kubernetes.io/job-name', 'job-name'] as const
