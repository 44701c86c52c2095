/** Definition files are called so; whatever else lies beside them is nobody's business. */
export const FLAG_FILE_NAME = /\.flagd\.(?:json|ya?ml)$/;
