import { defineConfig } from 'vitest/config'

const shared = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    // Both of two cores: much of a test's time is waiting for a server of its own.
    maxWorkers: '100%',
    projects: [
      { test: { ...shared, name: 'all', include: ['test/**/*.test.ts'] } },
      // The controllers' once more, with sockets between them and the API server (test/support/over-http.ts).
      {
        test: {
          ...shared,
          name: 'over http',
          include: ['test/controllers/*.test.ts'],
          env: { KUBESIM_TESTS_OVER: 'http' },
        },
      },
    ],
  },
})
