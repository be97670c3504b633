import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of calls to models (docs/models.md). */
export const modelErrors = errorCatalogue({
  AC_MODEL_NOT_CONFIGURED: {
    message: 'no model is configured',
    remedy: 'Set `model` in runtime/state/config.json, e.g. "claude" or "llama" (docs/models.md).',
    retry: 'never',
  },
  AC_MODEL_NAME_UNKNOWN: {
    message: '{provider} has no model named {model}; known families: {known}',
    remedy: 'Set `model` to a family, to a name of that provider, or to PROVIDER:NAME to send the name as it is.',
    retry: 'never',
  },
  AC_MODEL_KEY_MISSING: {
    message: 'there is no key for {provider}: the variable {variable} is not set',
    remedy:
      'Set the environment variable {variable}, or name another one in `models.{provider}.api_key` of the configuration.',
    retry: 'never',
  },
  AC_MODEL_KEY_MALFORMED: {
    message:
      'what the variable {variable} holds cannot be a key for {provider}: there are spaces or other odd characters in it',
    remedy: 'Set {variable} to the key and nothing else.',
    retry: 'never',
  },
  AC_MODEL_ADDRESS_UNSAFE: {
    message: 'the key for {provider} would go unencrypted to {url}',
    remedy: 'Use an https address, or set `models.{provider}.api_key` to null if the server wants no key.',
    retry: 'never',
  },
  AC_MODEL_KEY_REFUSED: {
    message: '{provider} refused the key',
    remedy: 'Put a valid key that may use this model into {variable} (`models.{provider}.api_key`).',
    retry: 'never',
  },
  AC_MODEL_UNREACHABLE: {
    message: '{provider} cannot be reached at {url}',
    remedy: 'Start it or mend the connection; its address is `models.{provider}.base_url`.',
    retry: 'later',
  },
  AC_MODEL_RATE_LIMITED: {
    message: '{provider} takes no more requests at present',
    remedy: 'Wait, lower max_workers, raise your limit there, or set fallback_model.',
    retry: 'later',
  },
  AC_MODEL_QUOTA: {
    message: 'your account at {provider} has no credit left',
    remedy: 'Add credit there, or set another model.',
    retry: 'never',
  },
  AC_MODEL_OVERLOADED: {
    message: '{provider} is overloaded or out of order (status {status})',
    remedy: 'Try again in a while, or set fallback_model.',
    retry: 'later',
  },
  AC_MODEL_ABSENT: {
    message: '{provider} does not have the model {model}, or your key may not use it',
    remedy:
      'Correct `model` (`agentcompany models` lists what is known); with ollama run `ollama pull {model}`; see that `models.{provider}.base_url` is right.',
    retry: 'never',
  },
  AC_MODEL_CONTEXT_TOO_LONG: {
    message: 'the request is longer than {model} can read',
    remedy: 'Give a shorter instruction or smaller tasks, or set a model with a larger context.',
    retry: 'never',
  },
  AC_MODEL_TOKENS_REFUSED: {
    message: '{model} does not give answers of {tokens} tokens',
    remedy: 'Ask for a shorter answer, or set a model that gives longer ones.',
    retry: 'never',
  },
  AC_MODEL_REQUEST_REFUSED: {
    message: '{provider} refused the request (status {status})',
    remedy: 'Read the cause; make sure that the model can do what is asked (docs/models.md).',
    retry: 'never',
  },
  AC_MODEL_REFUSED: {
    message: '{model} declined to answer',
    remedy: 'Word the instruction differently, or set another model.',
    retry: 'never',
  },
  AC_MODEL_CUT: {
    message: 'the answer of {provider} broke off',
    remedy: 'Try again; if it happens often, look at the connection or at proxies between.',
    retry: 'later',
  },
  AC_MODEL_RUBBISH: {
    message: '{provider} answered something that cannot be read',
    remedy: 'Make sure that `models.{provider}.base_url` names a server of that kind.',
    retry: 'later',
  },
  AC_MODEL_TIMEOUT: {
    message: '{provider} did not finish its answer in time',
    remedy: 'Try again, or set a faster model.',
    retry: 'later',
  },
  AC_MODEL_OUTPUT_TOO_LARGE: {
    message: '{provider} sent more than the {limit} bytes an answer may have',
    remedy: 'Try again; a server that does this often does not keep to the limits it is given.',
    retry: 'never',
  },
  AC_MODEL_ABORTED: {
    message: 'the call of the model was called off',
    remedy: 'Nothing: whoever called it off has moved on.',
    retry: 'never',
  },
  AC_BUDGET_SPENT: {
    message: 'the budget of run {run} does not allow another call of a model: {left} left',
    remedy: 'Raise it: agentcompany resume {run} --budget USD.',
    retry: 'never',
  },
  AC_MODEL_TALK_MALFORMED: {
    message: 'a request to the model cannot be used: {problem}',
    remedy: 'Nothing by hand: the agent in the worker wrote it. If it is one of your own, see docs/protocol.md.',
    retry: 'never',
  },
  AC_MODEL_TOOL_UNKNOWN: {
    message: 'there is no tool {tool}; known: {known}',
    remedy: 'The model is told, and may go on.',
    retry: 'never',
  },
  AC_MODEL_TOOL_ARGUMENTS: {
    message: 'the arguments of {tool} are not a JSON object',
    remedy: 'The model is told, and may go on.',
    retry: 'never',
  },
  AC_MODEL_ANSWER_INVALID: {
    message: '{model} did not give an answer of the form asked for: {problem}',
    remedy: 'Try again, word the instruction differently, or set a more capable model.',
    retry: 'never',
  },
  AC_MODEL_SCRIPT_UNREADABLE: {
    message: 'the file of scripted replies {file} cannot be used: {problem}',
    remedy: 'Correct the file that `models.scripted.file` names (docs/models.md has its form).',
    retry: 'never',
  },
  AC_MODEL_UNRECORDED: {
    message: 'the recording holds no answer to the request {digest}',
    remedy:
      'The replay leaves the recorded course here: its report shows where the request differs from the nearest recorded one.',
    retry: 'never',
  },
  AC_MODEL_SCRIPT_MISMATCH: {
    message: 'no scripted reply fits the request {digest}',
    remedy: 'Add a reply for it, or correct what changed; the cause shows the end of the request.',
    retry: 'never',
  },
});
