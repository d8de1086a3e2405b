// Why an item of upstream's conformance list has no test here. By the beginning of its name; the longest that fits counts.

export const reasons: Readonly<Record<string, string>> = {
  '[sig-cli] Kubectl client Guestbook application': 'containers run no programs yet: nothing would keep the entry',
  '[sig-cli] Kubectl logs logs': 'containers run no programs yet: agnhost writes no log of its own',
  '[sig-auth] ServiceAccounts should mount an API token into pods': 'containers have no files yet',
  '[sig-auth] ServiceAccounts should mount projected service account token': 'containers have no files yet',
  '[sig-api-machinery] StorageVersionMigration CRUD Tests storagemigration.k8s.io/v1':
    '1.36 serves it as v1beta1, which is walked through in `test/conformance/api-operations.test.ts`',
}
