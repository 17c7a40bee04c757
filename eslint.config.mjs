import tseslint from 'typescript-eslint';

export default tseslint.config(
  {ignores: ['build/', 'lib/dist/', '.venv/', 'data/', 'node_modules/']},
  {
    files: ['lib/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
    linterOptions: {reportUnusedDisableDirectives: 'error'},
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', {minimumDescriptionLength: 3}],
      '@typescript-eslint/consistent-type-imports': ['error', {fixStyle: 'inline-type-imports'}],
      'no-console': 'error',
    },
  },
  {
    // node:test's test() returns a promise that the runner awaits by itself.
    files: ['test/**/*.ts'],
    rules: {'@typescript-eslint/no-floating-promises': 'off', 'no-console': 'off'},
  },
);
