import { errorCatalogue } from '@agentcompany/protocol';

/** What the model that plans is told when it cannot have what it asks for. */
export const managerErrors = errorCatalogue({
  AC_PLANNING_FILE_UNKNOWN: {
    message: 'the project has no such file; give a path as list_files shows it',
    remedy: 'The model is told, and may go on.',
    retry: 'never',
  },
  AC_PLANNING_FILE_UNREADABLE: {
    message: 'the file is too large to be read, or no text',
    remedy: 'The model is told, and may go on.',
    retry: 'never',
  },
  AC_PLANNING_READ_ENOUGH: {
    message: 'enough was read for one plan; answer now with what you know',
    remedy: 'The model is told, and may go on.',
    retry: 'never',
  },
});
